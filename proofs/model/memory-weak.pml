/* The memory of C11 and Zig, of which every arm64 is a stronger one, by views (Kang and others, 2017,
   without promises). A word keeps its last stores in order. A thread's view says, for each word, which
   store is the oldest that it may still read; it may read any from there on, so a relaxed load may be
   late or early by as much as no fence forbids. A store with release carries its thread's view, and
   a load with acquire that reads it takes the view over; fences do the same for the relaxed accesses
   around them. Full fences meet in one view that all of them share.

   A line of the ring is plain memory. It needs no history: that each access to it happens after the
   other side's last one is asserted, so there is only one value that can be read. For that a view
   also says of which lines the last write, or the last read, did not happen before it.

   Not modelled: a store that takes effect before a load that the program has before it, and a store
   that enters a word's order anywhere but at its end. */

#ifndef DEPTH
#define DEPTH 5
#endif

typedef View {
  byte at[WORDS];
  /* A bit for each line. */
  byte unknown_writes;
  byte unknown_reads
};
typedef Store {
  byte value;
  View carried
};
typedef Word {
  byte newest;
  Store stores[DEPTH]
};
Word memory[WORDS];

/* Of each thread: what it must not read behind; what an acquire fence would add to that; what a
   release fence has given to the relaxed stores behind it. */
View view[THREADS], loaded[THREADS], fenced[THREADS];
/* What the full fences share, and the holders of the lock. */
View fences, unlocked;
bool is_locked;

byte lines[LINES];

#define latest(w) memory[w].stores[memory[w].newest].value
#define settled(t) true

inline join(to, from) {
  i = 0;
  do
  :: i == WORDS -> break
  :: else ->
    to.at[i] = (to.at[i] < from.at[i] -> from.at[i] : to.at[i]);
    i++
  od;
  i = 0;
  to.unknown_writes = to.unknown_writes & from.unknown_writes;
  to.unknown_reads = to.unknown_reads & from.unknown_reads
}

inline copy(to, from) {
  i = 0;
  do
  :: i == WORDS -> break
  :: else -> to.at[i] = from.at[i]; i++
  od;
  i = 0;
  to.unknown_writes = from.unknown_writes;
  to.unknown_reads = from.unknown_reads
}

/* Takes over the store at `pick`. */
inline read_store(t, w, order) {
  view[t].at[w] = pick;
  if
  :: order -> join(view[t], memory[w].stores[pick].carried)
  :: else
  fi;
  join(loaded[t], memory[w].stores[pick].carried);
  join(loaded[t], view[t])
}

inline load(t, w, into, order) {
  atomic {
    pick = view[t].at[w];
    do
    :: pick < memory[w].newest -> pick++
    :: break
    od;
    d_step {
      into = memory[w].stores[pick].value;
      read_store(t, w, order);
      pick = 0;
      forget()
    }
  }
}

/* At `pick`, behind the newest store. */
inline append(t, w, v, order) {
  assert(pick < DEPTH);
  memory[w].newest = pick;
  memory[w].stores[pick].value = v;
  view[t].at[w] = pick;
  loaded[t].at[w] = pick;
  if
  :: order -> copy(memory[w].stores[pick].carried, view[t])
  :: else -> copy(memory[w].stores[pick].carried, fenced[t])
  fi;
  memory[w].stores[pick].carried.at[w] = pick
}

inline store(t, w, v, order) {
  d_step {
    pick = memory[w].newest + 1;
    append(t, w, v, order);
    pick = 0;
    forget()
  }
}

/* It may fail on any store that can be read, and succeeds on the newest only. */
inline swap_if(t, w, from, to, order, swapped) {
  atomic {
    pick = view[t].at[w];
    do
    :: pick < memory[w].newest -> pick++
    :: break
    od;
    d_step {
      if
      :: memory[w].stores[pick].value == from -> pick = memory[w].newest
      :: else
      fi;
      swapped = (memory[w].stores[pick].value == from);
      read_store(t, w, relaxed);
      if
      :: swapped ->
        pick++;
        append(t, w, to, order);
        /* What the store before it carried is carried on. */
        join(memory[w].stores[pick].carried, memory[w].stores[pick - 1].carried)
      :: else
      fi;
      pick = 0;
      forget()
    }
  }
}

inline acquire_fence(t) {
  d_step {
    copy(view[t], loaded[t]);
    forget()
  }
}

inline release_fence(t) { d_step { copy(fenced[t], view[t]) } }

inline full_fence(t) {
  d_step {
    copy(view[t], loaded[t]);
    join(view[t], fences);
    copy(fences, view[t]);
    copy(fenced[t], view[t]);
    copy(loaded[t], view[t]);
    forget()
  }
}

inline learn(t, u) {
  d_step {
    join(view[t], view[u]);
    join(loaded[t], view[u]);
    forget()
  }
}

inline lock(t) {
  atomic {
    !is_locked ->
    d_step {
      is_locked = true;
      join(view[t], unlocked);
      join(loaded[t], unlocked);
      forget()
    }
  }
}

inline unlock(t) {
  d_step {
    copy(unlocked, view[t]);
    is_locked = false
  }
}

/* Whoever does not come behind it does not know of it. */
#define for_every_view(change) \
  i = 0; \
  do \
  :: i == WORDS -> break \
  :: else -> \
    j = 0; \
    do \
    :: j > memory[i].newest -> break \
    :: else -> change(memory[i].stores[j].carried); j++ \
    od; \
    i++ \
  od; \
  i = 0; \
  do \
  :: i == THREADS -> break \
  :: else -> change(view[i]); change(loaded[i]); change(fenced[i]); i++ \
  od; \
  i = 0; \
  j = 0; \
  change(fences); \
  change(unlocked)

#define miss_write(v) v.unknown_writes = v.unknown_writes | (1 << line)
#define miss_read(v) v.unknown_reads = v.unknown_reads | (1 << line)
#define miss_oldest(v) v.at[k] = (v.at[k] > 0 -> v.at[k] - 1 : 0)

byte line;

inline write_line(l, v) {
  d_step {
    line = l;
    assert(!(view[P].unknown_reads & (1 << line)));
    assert(!(view[P].unknown_writes & (1 << line)));
    for_every_view(miss_write);
    view[P].unknown_writes = view[P].unknown_writes & ~(1 << line);
    loaded[P].unknown_writes = loaded[P].unknown_writes & ~(1 << line);
    lines[line] = v;
    line = 0
  }
}

inline read_line(l, into) {
  d_step {
    line = l;
    assert(!(view[C].unknown_writes & (1 << line)));
    for_every_view(miss_read);
    view[C].unknown_reads = view[C].unknown_reads & ~(1 << line);
    loaded[C].unknown_reads = loaded[C].unknown_reads & ~(1 << line);
    into = lines[line];
    line = 0
  }
}

/* Stores that no thread can read any more are dropped, so that numbers stay small and equal
   situations are one state. */
#if THREADS > 2
#define is_behind_all(w) (view[0].at[w] > 0 && view[1].at[w] > 0 && view[2].at[w] > 0)
#else
#define is_behind_all(w) (view[0].at[w] > 0 && view[1].at[w] > 0)
#endif

inline forget() {
  k = 0;
  do
  :: k == WORDS -> break
  :: k < WORDS && is_behind_all(k) -> drop_oldest()
  :: else -> k++
  od;
  k = 0
}

/* Of the word `k`. */
inline drop_oldest() {
  j = 0;
  do
  :: j == memory[k].newest -> break
  :: else ->
    memory[k].stores[j].value = memory[k].stores[j + 1].value;
    copy(memory[k].stores[j].carried, memory[k].stores[j + 1].carried);
    j++
  od;
  memory[k].stores[j].value = 0;
  i = 0;
  do
  :: i == WORDS -> break
  :: else -> memory[k].stores[j].carried.at[i] = 0; i++
  od;
  memory[k].stores[j].carried.unknown_writes = 0;
  memory[k].stores[j].carried.unknown_reads = 0;
  memory[k].newest--;
  for_every_view(miss_oldest)
}
