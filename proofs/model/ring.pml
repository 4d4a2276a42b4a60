/* Publishing and releasing: a ring of LINES lines, records of one and two lines, skips, claims that are
   given up or committed shorter, staged records, a full ring and an empty one. Both sides poll.

   Every message arrives once, in order and whole; neither side is taken for a corrupt one; neither
   waits for ever. Counters are in lines. */

#define THREADS 2
#define WORDS 2
#define HEAD 0
#define TAIL 1
#include "memory.pml"

#ifndef MESSAGES
#define MESSAGES 4
#endif
/* Of both the writer and the reader; 32 in the library. */
#ifndef PER_PUBLISH
#define PER_PUBLISH 2
#endif

/* A header line says who it is and how long; a payload line says whose it is. */
#define header_of(id, size) ((id) * 4 + (size))
#define SKIP 255

#ifdef HEAD_STORE_RELAXED
#define head_store relaxed
#else
#define head_store release
#endif
#ifdef HEAD_LOAD_RELAXED
#define head_load relaxed
#else
#define head_load acquire
#endif
#ifdef TAIL_STORE_RELAXED
#define tail_store relaxed
#else
#define tail_store release
#endif
#ifdef TAIL_LOAD_RELAXED
#define tail_load relaxed
#else
#define tail_load acquire
#endif

inline publish() {
  if
  /* writer.zig: if (self.published == self.head) return; */
  :: published == head
  :: else ->
    /* writer.zig: @atomicStore(u64, &self.control.head, self.head, .release); // Pairs with `Reader.load_head` and `Reader.has_news`. */
    store(P, HEAD, head, head_store);
    /* writer.zig: self.published = self.head; */
    published = head;
    /* writer.zig: self.staged = 0; */
    staged = 0
  fi
}

#ifdef NO_ROOM_FOR_SKIP
#define has_room (head - tail + need <= LINES)
#else
/* writer.zig: return self.head - self.tail + need <= self.capacity; */
#define has_room (head - tail + skipped + need <= LINES)
#endif

/* Waits where a call would answer that the ring is full and be made again. */
inline claim() {
  /* writer.zig: const at = self.offset_of(self.head); */
  at = head % LINES;
  /* writer.zig: const skip = if (need > room) room else 0; */
  skipped = (need > LINES - at -> LINES - at : 0);
  do
  :: has_room -> break
  :: else ->
    /* writer.zig: const tail = @atomicLoad(u64, &self.control.tail, .acquire); // Pairs with `Reader.release`. */
    load(P, TAIL, seen, tail_load);
    /* writer.zig: const is_possible = tail -% self.tail <= self.published - self.tail and tail % wire.line_size == 0; */
    assert(tail <= seen && seen <= published);
    tail = seen;
    if
    :: has_room -> break
    :: else ->
#ifndef NO_PUBLISH_WHEN_FULL
      /* writer.zig: self.publish(); */
      publish();
#endif
      latest(TAIL) != tail
    fi
  od
}

active proctype producer() {
  byte head, published, tail, staged;
  byte id = 1, need, at, skipped, seen;
  do
  :: id > MESSAGES -> break
  :: else ->
    if
    :: need = 1
    :: need = 2
    fi;
    claim();
#ifdef PUBLISH_EARLY
    store(P, HEAD, head + skipped + need, head_store);
#endif
    if
    :: need == 2 -> write_line((skipped > 0 -> 0 : at) + 1, id)
    :: else
    fi;
    if
    :: skip
    :: need == 2 -> need = 1
    :: goto given_up
    fi;

    if
    /* writer.zig: if (self.claim_skip > 0) { */
    :: skipped > 0 ->
      /* writer.zig: self.write_skip(); */
      write_line(at, SKIP);
      /* writer.zig: self.head += self.claim_skip; */
      head = head + skipped
    :: else
    fi;
    /* writer.zig: header.* = .{ pair(size, message.type_id), need, message.correlation_id }; */
    write_line(head % LINES, header_of(id, need));
    /* writer.zig: self.head += need; */
    head = head + need;
    /* writer.zig: self.staged += 1; */
    staged++;
    id++;
    if
    :: publish()
    /* writer.zig: if (self.staged == wire.records_per_publish) self.publish(); */
    :: staged < PER_PUBLISH
    fi;
given_up:
    /* writer.zig: self.claim_open = false; */
    need = 0; at = 0; skipped = 0; seen = 0
  od;
  /* channel.zig: self.writer.publish(); */
  publish()
}

inline give_back() {
  if
  /* reader.zig: if (self.released == self.position) return false; */
  :: released == position
  :: else ->
    /* reader.zig: @atomicStore(u64, &self.control.tail, self.position, .release); // Pairs with `Writer.refresh_tail`. */
    store(C, TAIL, position, tail_store);
    /* reader.zig: self.released = self.position; */
    released = position;
    /* reader.zig: self.unreleased = 0; */
    unreleased = 0
  fi
}

inline read_record() {
  /* reader.zig: const at: u32 = @intCast(self.position & (self.capacity - 1)); */
  at = position % LINES;
#ifdef RELEASE_EARLY
  store(C, TAIL, position + 1, tail_store);
#endif
  /* reader.zig: const header = self.load_header(at); */
  read_line(at, header);
  if
  :: header == SKIP ->
    /* reader.zig: if (at == 0) return failure.corrupt(.skip, 0, 0); */
    assert(at != 0);
    /* reader.zig: if (room > self.head - self.position) return failure.corrupt(.skip, room, self.head - self.position); */
    assert(LINES - at <= head - position);
    /* reader.zig: self.position += room; */
    position = position + LINES - at
  :: else ->
    size = header % 4;
    assert(header == header_of(received + 1, size));
    assert(size == 1 || size == 2);
    /* reader.zig: const end_max = @min(self.head - self.position, self.capacity - at); */
    assert(size <= head - position && size <= LINES - at);
    if
    :: size == 2 ->
      read_line(at + 1, body);
      assert(body == received + 1)
    :: else
    fi;
    received++;
    /* reader.zig: self.position += reserved; */
    position = position + size;
    /* reader.zig: self.unreleased += 1; */
    unreleased++
  fi;
  at = 0; header = 0; size = 0; body = 0
}

/* reader.zig: return self.unreleased >= wire.records_per_publish or */
/* reader.zig: self.position - self.released >= self.capacity / 4; */
#define release_is_due (unreleased >= PER_PUBLISH || position - released >= LINES / 4)

active proctype consumer() {
  byte position, head, released, unreleased;
  byte received, seen, at, header, size, body;
  do
  /* reader.zig: if (self.position == self.head and self.entries.reserved == 0) { */
  :: position == head ->
    /* reader.zig: const head = @atomicLoad(u64, &self.control.head, .acquire); // Pairs with `Writer.publish`. */
    load(C, HEAD, seen, head_load);
    /* reader.zig: const grown_max = self.capacity - (self.head - self.released); */
    assert(head <= seen && seen - head <= LINES - (head - released));
    head = seen;
    seen = 0;
    if
    :: received == MESSAGES -> break
    :: position == head && received < MESSAGES ->
#ifndef NO_RELEASE_WHEN_EMPTY
      /* channel.zig: self.release(); */
      give_back();
#endif
      latest(HEAD) != head
    :: position != head
    fi
  :: position != head ->
    read_record();
    if
    /* channel.zig: if (self.reader.release_is_due()) self.release(); */
    :: release_is_due -> give_back()
    /* channel.zig: self.batch_open = count > 0; */
    :: skip
    fi
  od
}
