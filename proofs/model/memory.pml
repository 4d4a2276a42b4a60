/* The memory that two processes share, in one of two kinds. Both offer the same steps, so that one
   text of the protocol is checked on both:

     load(t, w, into, order)    store(t, w, v, order)    swap_if(t, w, from, to, order, swapped)
     full_fence(t)    release_fence(t)    acquire_fence(t)
     write_line(l, v)    read_line(l, into)    a line of the ring: plain memory, not atomic
     latest(w)    the value that everybody sees in the end
     learn(t, u)    the kernel has told t that u has ended, and with it all that u did
     settled(t)    true when nothing of what t did is still under way

   t is a thread, w an atomic word. A model says before it includes this file: THREADS, WORDS (numbered
   from 0, the futex words first), LINES of the ring, and for each kind how much it remembers. */

#define relaxed 0
#define acquire 1
#define release 1

/* The two sides. A third thread, where there is one, is 2. */
#define P 0
#define C 1

#ifndef LINES
#define LINES 1
#endif

/* Scratch of a single step; 0 between steps. */
byte i, j, k, pick;

#ifdef WEAK
#include "memory-weak.pml"
#else
#include "memory-tso.pml"
#endif
