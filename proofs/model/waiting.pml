/* Sleeping and waking, and ending a channel: what both sides of it do. A thread that uses these has
   the variables `seen`, `state` and `swapped`. Spinning is looking more often before, and adds nothing. */

#define ready 0
#define disconnected 1
#define fatal 2

#define awake 0
#define asleep 1
#define never_sleeps 2

#define unknown 0
#define is_ready 1
#define has_ended 2
#define has_died 3
#define timed_out 4

#ifdef STATE_LOAD_RELAXED
#define state_load relaxed
#else
#define state_load acquire
#endif
#ifdef STATE_STORE_RELAXED
#define state_store relaxed
#else
#define state_store release
#endif

inline load_state(t) {
  /* link.zig: return @atomicLoad(u32, &self.control.state, .acquire) == @intFromEnum(wire.State.ready); */
  /* wait.zig: return @atomicLoad(u32, self.state, .acquire) == @intFromEnum(wire.State.ready); */
  load(t, STATE, state, state_load)
}

/* Until the counter in `watched` has reached `mark`, or the channel is over. */
inline sleep(t, other, word, watched, mark, outcome) {
  outcome = unknown;
  do
  :: outcome != unknown -> break
  :: else ->
    /* wait.zig: @atomicStore(u32, word, @intFromEnum(wire.Sleeping.sleeping), .monotonic); */
    store(t, word, asleep, relaxed);
#ifndef NO_SLEEP_FENCE
    /* wait.zig: cpu.full_fence(); // Pairs with the one in `wake`. */
    full_fence(t);
#endif
    /* wait.zig: if (!side.is_ready() and watch.is_ready()) { */
#ifdef NO_LOOK_AGAIN
    seen = 0;
#else
    load(t, watched, seen, acquire);
#endif
#ifdef NO_STATE_LOOK_AGAIN
    state = ready;
#else
    load_state(t);
#endif
    if
    :: seen < mark && state == ready ->
      /* wait.zig: time_is_up = futex_wait(word, @intFromEnum(wire.Sleeping.sleeping), sleep_ns); */
#ifdef LOOP_SLEEPS_BESIDE
      if
      :: futex_wait(t, word, asleep)
      /* wait.zig: if (deadline.passed()) return .timeout; */
      :: outcome = timed_out
      fi
#else
      futex_wait(t, word, asleep)
#endif
    :: else
    fi;
    /* wait.zig: @atomicStore(u32, word, @intFromEnum(wire.Sleeping.awake), .monotonic); */
    store(t, word, awake, relaxed);
    load(t, watched, seen, acquire);
    if
    /* wait.zig: if (time_is_up and !watch.peer.is_alive()) return .died; */
    :: timers > 0 && dead[other] -> learn(t, other); outcome = has_died
    /* wait.zig: if (side.is_ready()) return .ready; */
    :: seen >= mark -> outcome = is_ready
    :: seen < mark ->
      /* wait.zig: if (!watch.is_ready()) return .ended; */
      load_state(t);
      if
      :: state != ready -> outcome = has_ended
#ifndef NO_PEER_CHECK
      /* wait.zig: if (!watch.peer.is_alive()) return .died; */
      :: state == ready && dead[other] -> learn(t, other); outcome = has_died
      :: state == ready && !dead[other]
#else
      :: else
#endif
      fi
    fi
  od;
  seen = 0;
  state = 0
}

inline wake(t, word) {
  /* wait.zig: if (@atomicLoad(u32, word, .monotonic) == @intFromEnum(wire.Sleeping.never_sleeps)) return; */
  load(t, word, seen, relaxed);
  if
  :: seen == never_sleeps
  :: else ->
#ifndef NO_WAKE_FENCE
    /* wait.zig: cpu.full_fence(); // Pairs with the one in `sleep`. */
    full_fence(t);
#endif
    /* wait.zig: if (@atomicLoad(u32, word, .monotonic) == @intFromEnum(wire.Sleeping.sleeping)) wake_sleeper(word); */
    load(t, word, seen, relaxed);
    if
    :: seen == asleep -> wake_sleeper(t, word)
    :: else
    fi
  fi;
  seen = 0
}

#ifdef WAKE_ONE
#define futex_wake futex_wake_one
#else
/* wait.zig: _ = linux.futex_3arg(word, .{ .cmd = .WAKE, .private = false }, std.math.maxInt(i32)); */
#define futex_wake futex_wake_all
#endif

inline wake_sleeper(t, word) {
#ifdef NO_TAKE_BACK
  futex_wake(t, word)
#else
  /* wait.zig: if (@cmpxchgStrong(u32, word, sleeping, awake, .monotonic, .monotonic) != null) return; */
  swap_if(t, word, asleep, awake, relaxed, swapped);
  if
  :: swapped -> futex_wake(t, word)
  :: else
  fi;
  swapped = false
#endif
}

inline end_channel(t, verdict) {
  if
#ifdef CLOSE_STORES
  :: verdict == disconnected -> store(t, STATE, disconnected, state_store)
#else
  /* link.zig: .disconnected => _ = @cmpxchgStrong(u32, word, ready, @intFromEnum(state), .release, .monotonic), */
  :: verdict == disconnected -> swap_if(t, STATE, ready, disconnected, state_store, swapped)
#endif
  /* link.zig: .fatal => @atomicStore(u32, word, @intFromEnum(state), .release), */
  :: verdict == fatal -> store(t, STATE, fatal, state_store)
  fi;
  swapped = false;
#ifndef NO_END_FENCE
  /* link.zig: cpu.full_fence(); // Pairs with the one in `wait.sleep`, behind which state is looked at too. */
  full_fence(t);
#endif
#ifndef NO_END_WAKES_CONSUMER
  /* link.zig: waiting.wake_sleeper(&self.control.consumer_sleeping); */
  wake_sleeper(t, CONSUMER_SLEEPING);
#endif
#ifndef NO_END_WAKES_PRODUCER
  /* link.zig: waiting.wake_sleeper(&self.control.producer_parked); */
  wake_sleeper(t, PRODUCER_PARKED);
#endif
  skip
}
