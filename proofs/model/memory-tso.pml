/* x86-TSO (Sewell and others, 2010): what a thread stores goes into a buffer of its own, from where the
   hardware takes it to memory, first come, first served, whenever it likes. A thread sees its own
   buffer, nobody else's. A locked instruction and a fence wait until the buffer is empty.

   So two stores are never seen in the other order, nor two loads, and release, acquire and their
   fences cost nothing: here they do nothing, as in cpu.zig. A full buffer holds its owner up. */

#ifndef BUFFER
#define BUFFER 3
#endif

typedef Buffer {
  byte count;
  byte word[BUFFER];
  byte value[BUFFER]
};
Buffer buffer[THREADS];
byte memory[WORDS + LINES];

#define latest(w) memory[w]
#define settled(t) (buffer[t].count == 0)

inline store(t, w, v, order) {
  atomic {
    buffer[t].count < BUFFER ->
    d_step {
      buffer[t].word[buffer[t].count] = w;
      buffer[t].value[buffer[t].count] = v;
      buffer[t].count++
    }
  }
}

inline load(t, w, into, order) {
  d_step {
    into = memory[w];
    i = 0;
    do
    :: i == buffer[t].count -> break
    :: else ->
      if
      :: buffer[t].word[i] == w -> into = buffer[t].value[i]
      :: else
      fi;
      i++
    od;
    i = 0
  }
}

inline swap_if(t, w, from, to, order, swapped) {
  atomic {
    settled(t) ->
    swapped = (memory[w] == from);
    if
    :: swapped -> memory[w] = to
    :: else
    fi
  }
}

inline full_fence(t) { settled(t) }
inline release_fence(t) { skip }
inline acquire_fence(t) { skip }
inline write_line(l, v) { store(P, WORDS + (l), v, relaxed) }
inline read_line(l, into) { load(C, WORDS + (l), into, relaxed) }
inline learn(t, u) { skip }

inline drain_one(t) {
  d_step {
    memory[buffer[t].word[0]] = buffer[t].value[0];
    buffer[t].count--;
    i = 0;
    do
    :: i == buffer[t].count -> break
    :: else ->
      buffer[t].word[i] = buffer[t].word[i + 1];
      buffer[t].value[i] = buffer[t].value[i + 1];
      i++
    od;
    buffer[t].word[i] = 0;
    buffer[t].value[i] = 0;
    i = 0
  }
}

active proctype store_buffers() {
end:
  do
  :: buffer[0].count > 0 -> drain_one(0)
  :: buffer[1].count > 0 -> drain_one(1)
#if THREADS > 2
  :: buffer[2].count > 0 -> drain_one(2)
#endif
  od
}

/* A lock whose two steps are locked instructions. */
bool is_locked;

inline lock(t) { atomic { !is_locked && settled(t) -> is_locked = true } }
inline unlock(t) { atomic { settled(t) -> is_locked = false } }
