/* What the kernel does for both sides: futexes, and telling of a death. Its own lock around the
   comparison and the queue makes each of these one step, and is a full barrier. */

/* In the kernel, not woken. */
bool sleeping[THREADS];
/* A bit for each word whose queue the thread is in: until it runs again, also once it was woken. */
byte queued[THREADS];
bool dead[THREADS];

#ifndef SIGNALS
#define SIGNALS 0
#endif
/* Sleeps that a signal ends for no other reason. */
byte signals = SIGNALS;
/* The timers of those who sleep have run out so often since the death of another. */
byte timers;

#define bit(w) (1 << (w))

inline futex_wait(t, w, expected) {
  full_fence(t);
  atomic {
    if
    :: latest(w) == expected ->
      sleeping[t] = true;
      queued[t] = bit(w)
    :: else
    fi
  };
  atomic { !sleeping[t] -> queued[t] = 0 }
}

/* On both words at once, as futex_waitv does. */
inline futex_wait_both(t, w, w2, expected) {
  full_fence(t);
  atomic {
    if
    :: latest(w) == expected && latest(w2) == expected ->
      sleeping[t] = true;
      queued[t] = bit(w) | bit(w2)
    :: else
    fi
  };
  atomic { !sleeping[t] -> queued[t] = 0 }
}

inline rouse(t, w) {
  queued[t] = queued[t] & ~bit(w);
  sleeping[t] = false
}

#define is_in_queue(t, w) (queued[t] & bit(w))

/* One of those in the queue, whichever: it may be awake already. */
inline futex_wake_one(t, w) {
  full_fence(t);
  atomic {
    if
    :: is_in_queue(0, w) -> rouse(0, w)
    :: is_in_queue(1, w) -> rouse(1, w)
#if THREADS > 2
    :: is_in_queue(2, w) -> rouse(2, w)
#endif
    :: else
    fi
  }
}

inline futex_wake_all(t, w) {
  full_fence(t);
  atomic {
    do
    :: is_in_queue(0, w) -> rouse(0, w)
    :: is_in_queue(1, w) -> rouse(1, w)
#if THREADS > 2
    :: is_in_queue(2, w) -> rouse(2, w)
#endif
    :: else -> break
    od
  }
}

inline die(t) {
  atomic {
    settled(t) ->
    sleeping[t] = false;
    queued[t] = 0;
    dead[t] = true
  }
}

/* A sleep has a timeout, which is left out: whoever sleeps without need is stuck, and found. But for
   a death, of which nobody is told: it is noticed at the end of a sleep. More than two such ends are
   not needed. */
active proctype interruptions() {
end:
  do
  :: signals > 0 && sleeping[0] -> atomic { signals--; sleeping[0] = false }
  :: signals > 0 && sleeping[1] -> atomic { signals--; sleeping[1] = false }
#ifndef NO_TIMEOUT
  :: timers < 2 && dead[0] && sleeping[1] -> atomic { timers++; sleeping[1] = false }
  :: timers < 2 && dead[1] && sleeping[0] -> atomic { timers++; sleeping[0] = false }
#endif
  od
}
