/* Waiting without blocking an event loop: the loop's thread (C) arms a watch for news, a third thread
   (W) sleeps for it on the consumer's word and a doorbell at once. The loop takes reports, gives a
   watch up, arms one again with another mark, and may sleep itself for what it had watched.

   The loop receives every message and the end; nobody sleeps for ever; W goes when it is sent away. */

#define THREADS 3
#define WORDS 5
#define CONSUMER_SLEEPING 0
#define PRODUCER_PARKED 1
#define DOORBELL 2
#define HEAD 3
#define STATE 4
#define W 2
#include "memory.pml"
#include "kernel.pml"
#include "waiting.pml"

#ifndef MESSAGES
#define MESSAGES 2
#endif
/* How often the loop gives a watch up, or looks before there is a report. */
#ifndef WHIMS
#define WHIMS 1
#endif

/* Of the waiter, under its lock. */
bool is_open = true, is_armed, is_reported, was_emptied, was_set_aside;
byte mark;
/* `wait` has returned, and the loop is told so by the runtime. */
bool is_told;
byte whims = WHIMS;

active proctype producer() {
  byte head, seen, state, outcome;
  bool swapped;
  do
  :: head == MESSAGES -> break
  :: else ->
    head++;
    store(P, HEAD, head, release);
    wake(P, CONSUMER_SLEEPING)
  od;
  end_channel(P, disconnected)
}

/* The lock is held. */
inline ring(t) {
  /* waiter.zig: if (self.doorbell == awake) return; */
  load(t, DOORBELL, seen, relaxed);
  if
  :: seen == awake
  :: else ->
#ifndef BELL_NOT_TAKEN_BACK
    /* waiter.zig: @atomicStore(u32, &self.doorbell, awake, .monotonic); // The kernel compares it in `futex.wait_any`. */
    store(t, DOORBELL, awake, relaxed);
#endif
    /* waiter.zig: if (!self.is_polling) return futex.wake_one(&self.doorbell); */
    futex_wake_one(t, DOORBELL)
  fi;
  seen = 0
}

inline disarm() {
  if
  /* waiter.zig: if (watches.all[index].is_reported) return self.reported.remove(index); */
  :: is_reported -> is_reported = false
  :: is_armed ->
    /* waiter.zig: self.armed.remove(index); */
    is_armed = false;
    /* waiter.zig: watches.all[index].target.set_word(.awake); */
    store(C, CONSUMER_SLEEPING, awake, relaxed);
    /* waiter.zig: if (self.armed.count == 0) self.was_emptied = true; */
    was_emptied = true;
#ifndef NO_RING_ON_DISARM
    ring(C)
#endif
  :: else
  fi;
  mark = 0
}

/* True: it is ready already, and not armed. */
inline watch() {
  /* waiters.zig: const is_ready = if (found) |target| target.is_ready() else true; */
  load_state(C);
  /* target.zig: return @atomicLoad(u64, &ring.control.head, .acquire) != ring.mark; // Pairs with `Writer.publish`. */
  load(C, HEAD, seen, acquire);
  is_ready_now = (state != ready || seen != position);
  seen = 0;
  state = 0;
  lock(C);
  if
  /* waiters.zig: if (is_ready or is_elsewhere) disarm_one(index); */
  :: is_ready_now -> disarm()
  /* waiters.zig: waiter.change(index, found.?); */
  :: !is_ready_now && is_armed ->
    mark = position;
    /* waiter.zig: if (@atomicLoad(u32, word, .monotonic) != @intFromEnum(wire.Sleeping.sleeping)) self.ring(); */
    load(C, CONSUMER_SLEEPING, seen, relaxed);
    if
    :: seen == asleep -> seen = 0
    :: else -> ring(C)
    fi
  :: !is_ready_now && !is_armed ->
    /* waiters.zig: if (is_here) waiter.disarm(index); */
    is_reported = false;
    /* waiter.zig: self.armed.add(index); */
    is_armed = true;
    mark = position;
    /* waiter.zig: self.was_emptied = false; */
    was_emptied = false;
#ifndef NO_RING_ON_ARM
    /* waiter.zig: self.ring(); */
    ring(C)
#endif
  fi;
  unlock(C)
}

inline unwatch() {
  lock(C);
  disarm();
  unlock(C)
}

/* Before the loop's thread sleeps on the word itself, for a call that blocks while another one waits. */
inline set_aside() {
  lock(C);
  if
  :: is_armed ->
    /* waiter.zig: self.report(index, false); */
    is_armed = false;
    store(C, CONSUMER_SLEEPING, awake, relaxed);
    is_reported = true;
    /* waiter.zig: self.was_set_aside = true; */
    was_set_aside = true;
#ifndef NO_RING_ON_SET_ASIDE
    ring(C)
#endif
  :: else
  fi;
  unlock(C)
}

active proctype loop() {
  byte position, seen, state, outcome;
  bool swapped, is_ready_now;
  do
  :: true ->
    load_state(C);
    load(C, HEAD, seen, acquire);
    assert(seen >= position);
    if
    :: seen > position -> position++
    :: seen == position && state != ready -> break
    :: else ->
      watch();
      if
      :: is_ready_now
      :: else ->
        if
        /* waiters.zig: waiter.take_one(index, set_orphaned); */
        :: is_told ->
          is_told = false;
          lock(C);
          if
          :: is_reported -> disarm()
          :: else
          fi;
          unlock(C)
        :: whims > 0 -> whims--
        :: whims > 0 ->
          whims--;
          unwatch();
          if
          :: true
          /* A runtime whose process lives as long as the call of `wait`. */
          :: true -> !was_emptied
          fi
#ifdef LOOP_SLEEPS
        :: whims > 0 ->
          whims--;
          unwatch();
          sleep(C, P, CONSUMER_SLEEPING, HEAD, position + 1, outcome);
          outcome = unknown
#endif
#ifdef LOOP_SLEEPS_BESIDE
        :: whims > 0 ->
          whims--;
#ifndef NO_SET_ASIDE
          /* wait.zig: if (watch.watch_index) |index| waiters.set_aside(index); */
          set_aside();
#endif
          sleep(C, P, CONSUMER_SLEEPING, HEAD, position + 1, outcome);
          if
          /* The other call still waits, and is told of what comes. */
          :: outcome == timed_out -> is_told
          :: else
          fi;
          outcome = unknown
#endif
        fi
      fi
    fi;
    seen = 0;
    state = 0;
    is_ready_now = false
  od;
  assert(position == MESSAGES);
  lock(C);
  disarm();
  /* waiters.zig: waiter.number = 0; */
  is_open = false;
  /* waiters.zig: waiter.ring(); */
  ring(C);
  unlock(C)
}

/* Reports the watch when it is ready. */
inline look() {
  /* waiter.zig: const was_set_aside = self.was_set_aside and before > 0; */
  is_new = was_set_aside && is_reported;
  was_set_aside = false;
  /* waiter.zig: for (self.armed.items[0..self.armed.count]) |index| watches.all[index].target.set_word(.sleeping); */
  if
  :: is_armed -> store(W, CONSUMER_SLEEPING, asleep, relaxed)
  :: else
  fi;
#ifndef NO_LOOK_FENCE
  /* waiter.zig: cpu.full_fence(); // Pairs with the ones in `wait.wake` and `Link.end`. */
  full_fence(W);
#endif
#ifndef NO_LOOK
  /* waiter.zig: if (target.* != .connector and target.is_ready()) self.report(index, false); */
  if
  :: is_armed ->
    /* target.zig: const state = @atomicLoad(u32, &control.state, .acquire); // Pairs with `Link.end`. */
#ifndef NO_LOOK_AT_STATE
    load_state(W);
#endif
    load(W, HEAD, seen, acquire);
    if
    :: state != ready || seen != mark ->
      is_armed = false;
      store(W, CONSUMER_SLEEPING, awake, relaxed);
      /* waiter.zig: watch_at.is_reported = true; */
      is_reported = true;
      is_new = true
    :: else
    fi
  :: else
  fi;
#endif
  seen = 0;
  state = 0
}

/* Lets the lock go while it sleeps. */
inline sleep_on_words() {
  /* waiter.zig: const count = self.list_words(&entries); */
  has_word = is_armed;
#ifdef BED_AFTER_UNLOCK
  unlock(W);
  store(W, DOORBELL, asleep, relaxed);
#else
  /* waiter.zig: @atomicStore(u32, &self.doorbell, asleep, .monotonic); // The kernel compares it in `futex.wait_any`. */
  store(W, DOORBELL, asleep, relaxed);
  /* waiter.zig: self.mutex.unlock(); */
  unlock(W);
#endif
  if
  /* waiter.zig: futex.wait_on(&self.doorbell, asleep, end_ns); */
  :: !has_word -> futex_wait(W, DOORBELL, asleep)
  /* waiter.zig: } else if (!futex.wait_any(entries[0..count], end_ns)) { */
  :: else -> futex_wait_both(W, DOORBELL, CONSUMER_SLEEPING, asleep)
  fi;
  has_word = false;
  /* waiter.zig: self.mutex.lock(); */
  lock(W);
  /* waiter.zig: @atomicStore(u32, &self.doorbell, awake, .monotonic); // As in `go_to_bed`. */
  store(W, DOORBELL, awake, relaxed)
}

active proctype sleeper() {
  byte seen, state;
  bool is_new, has_word;
  lock(W);
  do
  /* waiters.zig: while (waiter.number == number) { */
  :: !is_open -> break
  :: is_open ->
    /* waiters.zig: if (waiter.look(now_ns)) return waiter.reported.count; */
    look();
    if
    :: is_new || was_emptied ->
      /* waiters.zig: waiter.was_emptied = false; */
      was_emptied = false;
      is_told = is_told || is_new;
      is_new = false;
      unlock(W);
      lock(W)
    :: else -> sleep_on_words()
    fi
  od;
  unlock(W)
}
