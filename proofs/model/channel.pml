/* A channel from its first message to its end: both sides sleep, the producer on a full ring, the
   consumer on an empty one; either closes, is killed at any step, or (the consumer) finds corruption.
   Records are of one line; ring.pml has the others.

   Every message arrives once, in order and whole, and what was published before an end before the
   end; whoever is told of an end is told the right one; nobody sleeps for ever. */

#define THREADS 2
#define WORDS 5
#define CONSUMER_SLEEPING 0
#define PRODUCER_PARKED 1
#define HEAD 2
#define TAIL 3
#define STATE 4
#include "memory.pml"
#include "kernel.pml"
#include "waiting.pml"

#ifndef MESSAGES
#define MESSAGES 3
#endif
/* 32 in the library. */
#ifndef PER_PUBLISH
#define PER_PUBLISH 2
#endif

/* How a side's use of the channel ended. */
mtype = { none, left, closed, corrupt, died };
mtype producer_end = none, consumer_end = none;

bool is_killed[THREADS];

/* What a state other than ready means. */
inline told_end(t, end) {
  /* link.zig: const state = @atomicLoad(u32, &self.control.state, .acquire); // Pairs with `end`. */
  load_state(t);
  if
  /* link.zig: .disconnected => return error.PeerClosed, */
  :: state == disconnected -> end = closed
  /* link.zig: .fatal => { */
  :: state == fatal -> end = corrupt
  fi
}

inline told_death(t, end) {
#ifndef NO_STATE_LOOK_AT_DEATH
  /* link.zig: if (!self.is_ready()) return self.ended(failure); */
  load_state(t);
#endif
  if
  :: state != ready -> told_end(t, end)
  /* link.zig: return error.PeerDied; */
  :: else -> end = died
  fi
}

/* A side that polls looks at its peer's health now and then. */
inline notice_death(t, other, is_orphaned) {
  if
  /* link.zig: if (!self.peer.is_alive()) self.is_orphaned = true; */
  :: dead[other] -> learn(t, other); is_orphaned = true
  :: skip
  fi
}

inline publish() {
  if
  /* writer.zig: if (self.published == self.head) return; */
  :: published == head
  :: else ->
    /* writer.zig: @atomicStore(u64, &self.control.head, self.head, .release); // Pairs with `Reader.load_head` and `Reader.has_news`. */
    store(P, HEAD, head, release);
    published = head;
    staged = 0
  fi
}

inline check_open() {
  /* channel.zig: if (!self.link.is_ready()) return self.link.ended(self.failure); */
  load_state(P);
  if
  :: state != ready -> told_end(P, producer_end)
  :: else ->
    /* channel.zig: if (self.link.peer_died()) return self.link.died(self.failure); */
    notice_death(P, C, is_orphaned);
    if
    :: is_orphaned -> told_death(P, producer_end)
    :: else
    fi
  fi;
  state = 0
}

/* One attempt, and the wait when it finds the ring full. */
inline claim() {
  if
  :: head - tail < LINES
  :: else ->
    /* writer.zig: const tail = @atomicLoad(u64, &self.control.tail, .acquire); // Pairs with `Reader.release`. */
    load(P, TAIL, tail, acquire)
  fi;
  if
  :: head - tail < LINES -> is_claimed = true
  :: else ->
    /* writer.zig: self.publish(); */
    publish();
#ifndef NO_WAKE_WHEN_FULL
    /* channel.zig: if (!sent) return self.found_full(); */
    /* channel.zig: waiting.wake(&self.link.control.consumer_sleeping); */
    wake(P, CONSUMER_SLEEPING);
#endif
    /* channel.zig: try self.wait_for_room(size, &patience); */
    sleep(P, C, PRODUCER_PARKED, TAIL, head + 1 - LINES, outcome);
    if
    /* channel.zig: .ready => {}, */
    :: outcome == is_ready
    /* channel.zig: .ended => return self.link.ended(self.failure), */
    :: outcome == has_ended -> told_end(P, producer_end)
    /* channel.zig: .died => return self.link.died(self.failure), */
    :: outcome == has_died -> told_death(P, producer_end)
    fi;
    outcome = unknown;
    state = 0
  fi
}

inline send() {
  write_line(head % LINES, head + 1);
  /* writer.zig: self.head += need; */
  head++;
  /* writer.zig: self.staged += 1; */
  staged++;
  if
  :: staged < PER_PUBLISH
  :: publish();
    /* channel.zig: if (self.writer.staged == 0) waiting.wake(&self.link.control.consumer_sleeping); */
    wake(P, CONSUMER_SLEEPING)
  fi;
  is_claimed = false
}

active proctype producer() {
  byte head, published, tail, staged, seen, state, outcome;
  bool is_claimed, is_orphaned, swapped;
  {
    do
    :: producer_end != none -> break
    :: producer_end == none && head == MESSAGES ->
#ifdef CLOSE_EARLY
      end_channel(P, disconnected);
#endif
      /* channel.zig: self.writer.publish(); */
      publish();
      /* channel.zig: self.link.end(.disconnected); */
      end_channel(P, disconnected);
      producer_end = left
    :: producer_end == none && head < MESSAGES ->
      check_open();
      if
      :: producer_end == none -> claim()
      :: else
      fi;
      if
      :: is_claimed -> send()
      :: else
      fi
    od;
    tail = 0; state = 0; is_orphaned = false;
    assert(producer_end != closed || latest(STATE) == disconnected);
    assert(producer_end != died || dead[C] && latest(STATE) == ready);
#ifdef KILLS
    /* Whoever has left may live on, or not. */
    if
    :: skip
    :: die(P)
    fi
#endif
  } unless { is_killed[P] -> die(P) }
}

inline give_back() {
  if
  /* reader.zig: if (self.released == self.position) return false; */
  :: released == position
  :: else ->
    /* reader.zig: @atomicStore(u64, &self.control.tail, self.position, .release); // Pairs with `Writer.refresh_tail`. */
    store(C, TAIL, position, release);
    released = position;
#ifndef NO_WAKE_ON_RELEASE
    /* channel.zig: if (self.reader.release()) waiting.wake(&self.link.control.producer_parked); */
    wake(C, PRODUCER_PARKED)
#endif
  fi
}

inline receive_published() {
  if
  /* reader.zig: if (self.position == self.head and self.entries.reserved == 0) { */
  :: position == head ->
    /* reader.zig: const head = @atomicLoad(u64, &self.control.head, .acquire); // Pairs with `Writer.publish`. */
    load(C, HEAD, head, acquire)
  :: else
  fi;
  if
  :: position == head -> is_received = false
  :: else ->
    read_line(position % LINES, seen);
    assert(seen == position + 1);
    seen = 0;
    position++;
    is_received = true;
    if
    /* channel.zig: if (self.reader.release_is_due()) self.release(); */
    :: give_back()
    :: skip
    fi
  fi
}

/* Until there is news, or the end. */
inline wait_for_news() {
#ifdef NEVER_SLEEPS
  latest(HEAD) != position || latest(STATE) != ready || dead[P];
  if
  :: dead[P] -> learn(C, P); outcome = has_died
  :: skip
  fi;
#else
  sleep(C, P, CONSUMER_SLEEPING, HEAD, position + 1, outcome);
#endif
  if
  /* channel.zig: .died => self.link.is_orphaned = true, */
  :: outcome == has_died -> is_orphaned = true
  /* channel.zig: .ready, .ended => {}, */
  :: else
  fi;
  outcome = unknown
}

inline receive() {
  receive_published();
  if
  :: is_received
  :: else ->
    /* channel.zig: if (self.link.is_ready() and !self.link.peer_died()) { */
    load_state(C);
    notice_death(C, P, is_orphaned);
    if
    :: state == ready && !is_orphaned ->
#ifndef NO_RELEASE_WHEN_EMPTY
      /* channel.zig: self.found_empty(); */
      give_back();
#endif
      /* channel.zig: try self.wait_for_news(&patience); */
      wait_for_news()
    :: else ->
#ifndef NO_LAST_LOOK
      /* channel.zig: if (try self.receive_published(into)) |size| return size; */
      receive_published();
#endif
      if
      :: is_received
      :: else ->
        /* channel.zig: if (self.link.is_ready()) return self.link.died(self.failure); */
        load_state(C);
        if
        :: state == ready -> told_death(C, consumer_end)
        /* channel.zig: return self.link.ended(self.failure); */
        :: else -> told_end(C, consumer_end)
        fi
      fi
    fi
  fi;
  is_received = false;
  state = 0
}

active proctype consumer() {
  byte position, head, released, seen, state, outcome;
  bool is_received, is_orphaned, swapped;
  {
#if defined(NEVER_SLEEPS) || defined(SLEEPS_ALL_THE_SAME)
    /* channel.zig: @atomicStore(u32, &mapping.control().consumer_sleeping, @intFromEnum(sleeping), .monotonic); */
    store(C, CONSUMER_SLEEPING, never_sleeps, relaxed);
#endif
    do
    :: consumer_end != none -> break
    :: consumer_end == none -> receive()
#ifdef CONSUMER_LEAVES
    :: consumer_end == none ->
      /* channel.zig: self.link.end(.disconnected); */
      end_channel(C, disconnected);
      consumer_end = left
    :: consumer_end == none ->
      /* link.zig: self.end(.fatal); */
      end_channel(C, fatal);
      /* A verdict of corruption stays what it is. */
      assert(latest(STATE) == fatal);
      consumer_end = corrupt
#endif
    od;
    head = 0; released = 0; is_orphaned = false;
    assert(consumer_end != closed || latest(STATE) == disconnected);
    assert(consumer_end != died || dead[P] && latest(STATE) == ready);
    assert(consumer_end != closed && consumer_end != died || position == latest(HEAD));
#ifdef KILLS
    if
    :: skip
    :: die(C)
    fi
#endif
  } unless { is_killed[C] -> die(C) }
}

#ifdef KILLS
active proctype killer() {
  if
  :: is_killed[P] = true
  :: is_killed[C] = true
  :: skip
  fi
}
#endif
