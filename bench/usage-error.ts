/** What is wrong with a command line. */
export class UsageError extends Error {}
