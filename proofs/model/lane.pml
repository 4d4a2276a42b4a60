/* The express lane: a small message that is alone in its publication lies in the lane too, and the
   reader takes it from there or from the ring. Records are of one line (no payload) and of two; of
   the latter the large ones do not fit into the lane. Both sides poll.

   Every message arrives once, in order and whole, wherever it was read; a lane that is stale, or that
   is being written, is never taken for the next message. */

#define THREADS 2
#define WORDS 6
#define HEAD 0
#define TAIL 1
#define LANE_HEAD 2
#define LANE_SIZE 3
#define LANE_FIRST 4
#define LANE_LAST 5
#include "memory.pml"

#ifndef MESSAGES
#define MESSAGES 3
#endif

/* A message's number and its lines; the lane has them in its word for size and type. */
#define header_of(id, size) ((id) * 4 + (size))

inline write_lane() {
#ifndef LANE_HEAD_LAST
  /* writer.zig: @atomicStore(u64, &lane.head, self.head, .monotonic); */
  store(P, LANE_HEAD, head, relaxed);
#endif
#ifndef NO_LANE_RELEASE_FENCE
  /* writer.zig: cpu.release_fence(); */
  release_fence(P);
#endif
  /* writer.zig: @atomicStore(u64, lane.size_and_type(), pair(size, message.type_id), .monotonic); */
  store(P, LANE_SIZE, header_of(id, size), relaxed);
  /* writer.zig: @atomicStore(u64, &lane.correlation_id, message.correlation_id, .monotonic); */
  store(P, LANE_FIRST, id, relaxed);
  /* writer.zig: inline for (words, 0..) |word, index| @atomicStore(u64, &lane.payload[index], word, .monotonic); */
  store(P, LANE_LAST, id, relaxed);
#ifdef LANE_HEAD_LAST
  store(P, LANE_HEAD, head, relaxed);
#endif
  skip
}

inline publish() {
  if
  :: published == head
  :: else ->
    /* writer.zig: @atomicStore(u64, &self.control.head, self.head, .release); // Pairs with `Reader.load_head` and `Reader.has_news`. */
    store(P, HEAD, head, release);
    published = head
  fi
}

inline publish_alone() {
#ifdef PUBLISH_BEFORE_LANE
  alone = head - published;
  publish();
  if
  :: !is_large && alone == size -> write_lane()
  :: else
  fi
#else
  if
#ifdef LANE_NOT_ALONE
  :: !is_large -> write_lane()
#else
  /* writer.zig: if (self.head - self.published == wire.record_size(size) and message.type_id != wire.type_packed) */
  :: !is_large && head - published == size -> write_lane()
#endif
  :: else
  fi;
  /* writer.zig: self.publish(); */
  publish()
#endif
}

active proctype producer() {
  byte head, published, tail, id = 1, size, skipped, alone;
  bool is_large;
  do
  :: id > MESSAGES -> break
  :: else ->
    if
    :: size = 1
    :: size = 2
    /* writer.zig: if (size <= wire.Lane.payload_max) { */
    :: size = 2; is_large = true
    fi;
    skipped = (size > LINES - head % LINES -> LINES - head % LINES : 0);
    do
    :: head - tail + skipped + size <= LINES -> break
    :: else ->
      publish();
      latest(TAIL) != tail;
      load(P, TAIL, tail, acquire)
    od;
    if
    :: size == 2 -> write_line((head + skipped + 1) % LINES, id)
    :: else
    fi;
    if
    :: skipped > 0 -> write_line(head % LINES, 0)
    :: else
    fi;
    head = head + skipped;
    write_line(head % LINES, header_of(id, size));
    head = head + size;
    if
    /* writer.zig: self.publish_alone(words, size, message); */
    :: publish_alone()
    /* What is staged does not go into the lane. */
    :: skip
    fi;
    id++;
    size = 0; skipped = 0; is_large = false; alone = 0
  od;
  publish()
}

/* Sets `is_taken` when the message that ends at `seen` was whole in the lane. */
inline read_lane() {
#ifdef LANE_HEAD_FIRST
  load(C, LANE_HEAD, lane_head, relaxed);
#endif
  /* reader.zig: const size_and_type = @atomicLoad(u64, lane.size_and_type(), .monotonic); */
  load(C, LANE_SIZE, header, relaxed);
  /* reader.zig: const correlation_id = @atomicLoad(u64, &lane.correlation_id, .monotonic); */
  load(C, LANE_FIRST, first, relaxed);
  /* reader.zig: inline for (&words, 0..) |*word, index| word.* = @atomicLoad(u64, &lane.payload[index], .monotonic); */
  load(C, LANE_LAST, last, relaxed);
#ifndef NO_LANE_ACQUIRE_FENCE
  /* reader.zig: cpu.acquire_fence(); */
  acquire_fence(C);
#endif
#ifndef LANE_HEAD_FIRST
  /* reader.zig: if (@atomicLoad(u64, &lane.head, .monotonic) != head) return null; */
  load(C, LANE_HEAD, lane_head, relaxed);
#endif
#ifdef NO_LANE_HEAD_CHECK
  lane_head = seen;
#endif
  size = header % 4;
#ifdef NO_LANE_SIZE_CHECK
  is_taken = (lane_head == seen)
#else
  /* reader.zig: if (size > wire.Lane.payload_max or head - self.position != wire.record_size(size)) return null; */
  is_taken = (lane_head == seen && seen - position == size)
#endif
}

inline read_record() {
  /* reader.zig: const header = self.load_header(at); */
  read_line(position % LINES, header);
  if
  :: header == 0 -> position = position + LINES - position % LINES
  :: else ->
    size = header % 4;
    assert(header == header_of(received + 1, size) && size > 0);
    if
    :: size == 2 ->
      read_line(position % LINES + 1, last);
      assert(last == received + 1)
    :: else
    fi;
    received++;
    position = position + size
  fi
}

inline release_all() {
  if
  :: released == position
  :: else ->
    store(C, TAIL, position, release);
    released = position
  fi
}

active proctype consumer() {
  byte position, head, released, received, seen, header, first, last, lane_head, size;
  bool is_taken;
  do
  :: position != head -> read_record()
  /* reader.zig: if (self.position == self.head and self.entries.reserved == 0) { */
  :: position == head ->
    /* reader.zig: const head = try self.load_head(failure); */
    load(C, HEAD, seen, acquire);
    if
    :: received == MESSAGES -> break
    /* reader.zig: if (head == self.position) return null; */
    :: received < MESSAGES && seen == position ->
      release_all();
      latest(HEAD) != position
    :: seen != position ->
      if
      /* reader.zig: if (self.read_lane(head)) |lane| { */
      :: read_lane()
      /* A drain does not look at it. */
      :: skip
      fi;
      if
      :: is_taken ->
        assert(header == header_of(received + 1, size));
        assert(first == received + 1 && last == received + 1);
        received++;
        /* reader.zig: self.finish_record(@intCast(head - self.head)); */
        position = position + (seen - head)
      :: else
      fi;
      /* reader.zig: self.head = head; */
      head = seen
    fi;
    is_taken = false;
    seen = 0; header = 0; first = 0; last = 0; lane_head = 0; size = 0
  od
}
