/** Exchanges two names, over and over, until it is killed. */
import { print, programArguments } from "../../../tests/support/child.ts";
import { nameExchanger } from "../kernel.ts";

const { first, second } = programArguments<{ first: string; second: string }>();
const exchange = nameExchanger(first, second);
print("ready");
while (true) exchange();
