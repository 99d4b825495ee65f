/* SPDX-License-Identifier: MIT */
/* member_part.h: what the files of this part share. Nobody else includes it.

   Records live in a map by name and, for those who may speak, in a map by
   address; `order` is the shuffled list that the prober walks. Every moment
   that is waited for is a member_timer in one heap. */
#ifndef INF_CORE_MEMBER_PART_H
#define INF_CORE_MEMBER_PART_H

#include "base/heap.h"
#include "base/map.h"
#include "base/quiet.h"
#include "base/rng.h"
#include "core/member.h"
#include "core/packet.h"

enum {
    INF_ADDR_KEY = 18,       /* bytes of an address as a key, at most */
    INF_VSN = 6,             /* bytes of a version vector */
    INF_CONFIRMERS_MAX = 8,  /* witnesses remembered in one suspicion */
    INF_TIERS_MAX = 64,      /* transmissions of one piece of news */
    INF_PENDING_MAX = 512,   /* pings in the air; a power of two */
    INF_PROBES_MAX = 16,     /* probes at once: one regular, others urgent */
    INF_RELAYS_MAX = 128,    /* pings in the air for others */
    INF_TALKS_MAX = 128,     /* streams at once */
    INF_BOOK_MAX = 128,      /* addresses to come back to */
    INF_HELPERS_MAX = 8,     /* asked in one probe */
    INF_EVENTS_MAX = 512,    /* Serf events remembered, to hear each once */
    INF_USER_NEWS_MAX = 1024 /* user events waiting to be gossiped */
};

/* What is said of a host once in a while, beside the codes of errors. */
typedef enum member_word {
    WORD_NO_DATAGRAMS = 1, /* it answers by TCP alone */
    WORD_ELSEWHERE,        /* its datagrams come from another one */
    WORD_REFUSED           /* it could not read what we sent */
} member_word;

typedef enum member_timer_kind {
    TIMER_PROBE,      /* start the next regular probe */
    TIMER_PROBE_STEP, /* of `owner`, a member_probe */
    TIMER_GOSSIP,
    TIMER_PUSH_PULL,
    TIMER_BOOK,      /* try an old address */
    TIMER_LEAVE,     /* next step of leaving */
    TIMER_SUSPICION, /* of `owner`, a member_record */
    TIMER_TALK,      /* of `owner`, a member_talk */
    TIMER_RELAY      /* of `owner`, a member_relay */
} member_timer_kind;

typedef struct member_timer {
    inf_heap_item item; /* first, so that the heap's item is the timer */
    member_timer_kind kind;
    void *owner;
} member_timer;

/* A message that is gossiped a number of times. */
typedef struct member_news {
    struct member_news *before;
    struct member_news *after;
    struct member_record *about; /* NULL: a user message */
    uint32_t sent;               /* transmissions so far: its tier */
    size_t len;
    uint8_t bytes[]; /* with type byte */
} member_news;

typedef struct member_suspicion {
    member_timer timer;
    uint64_t started_ms;
    uint32_t min_ms;
    uint32_t max_ms;
    uint32_t wanted;    /* k: confirmations that make it shortest */
    uint32_t confirmed; /* c, the first accuser not counted */
    uint64_t end_ms;    /* then the suspect is dead */
    bool asked;         /* once more, shortly before */
    uint64_t witnesses[INF_CONFIRMERS_MAX]; /* hashes of their names */
} member_suspicion;

typedef struct member_record {
    inf_slice name; /* name_bytes */
    inf_slice meta; /* owned; data NULL: nil */
    inf_addr addr;
    uint8_t addr_key[INF_ADDR_KEY];
    uint8_t vsn[INF_VSN];
    uint32_t incarnation;
    inf_member_state state;
    bool self;
    bool ours;         /* its Meta says so */
    bool by_addr;      /* it is in the map by address */
    bool refused_dead; /* dead, since its machine refused a connection */
    bool wrongly_dead; /* a refused connection misled us once */
    uint16_t rpc_port;
    inf_member_path path;
    uint64_t boot;
    uint64_t since_ms;           /* of the state */
    uint64_t heard_ms;           /* a packet of its address came; 0: never */
    uint64_t conflict_ms;        /* last told; 0: never */
    size_t place;                /* in `order` */
    member_news *news;           /* about it, waiting; or NULL */
    member_suspicion *suspicion; /* owned; while suspect */
    uint8_t name_bytes[];
} member_record;

typedef enum member_pending_kind {
    PENDING_NONE,
    PENDING_PROBE,   /* owner: member_probe */
    PENDING_RELAY,   /* owner: member_relay */
    PENDING_GOODBYE, /* a leave message rode on the ping */
    PENDING_CONFLICT /* owner: NULL; does the name's other holder live? */
} member_pending_kind;

typedef struct member_pending {
    uint32_t seq;
    member_pending_kind kind;
    void *owner;
    inf_addr to;
} member_pending;

/* One question to one member: are you there? */
typedef struct member_probe {
    member_timer timer;
    member_record *target; /* NULL: idle */
    uint64_t sent_ms;
    uint64_t deadline_ms;
    uint64_t stream; /* of the TCP ping; 0: none */
    uint32_t seq;
    uint32_t nacks;        /* that came */
    uint32_t nacks_wanted; /* helpers that could have sent one */
    size_t helper_count;
    inf_addr helpers[INF_HELPERS_MAX];
    bool urgent;   /* beside the regular one */
    bool indirect; /* the second step has begun */
    bool refused;  /* its machine says that nobody listens */
} member_probe;

/* A ping sent on behalf of another prober. */
typedef struct member_relay {
    member_timer timer;
    bool used;
    bool nack; /* still owed */
    uint32_t seq;
    uint32_t asked_seq;
    inf_addr asker;
    uint64_t end_ms;
} member_relay;

typedef enum member_talk_kind {
    TALK_ACCEPTED,  /* the peer speaks first */
    TALK_PERIODIC,  /* push/pull */
    TALK_JOIN,      /* push/pull for inf_member_join */
    TALK_RECONNECT, /* push/pull with an address of the book */
    TALK_PING       /* TCP ping of a probe */
} member_talk_kind;

typedef struct member_talk {
    member_timer timer;
    uint64_t stream; /* the key in `talks` */
    member_talk_kind kind;
    inf_addr peer;
    uint8_t name[INF_NODE_NAME_MAX]; /* of the peer, where we know it */
    size_t name_len;
    inf_stream_reader reader;
    struct member_joining *joining; /* TALK_JOIN */
    uint32_t seq;                   /* TALK_PING */
} member_talk;

typedef struct member_joining {
    struct member_joining *next;
    uint64_t token;
    inf_addr *addrs; /* owned */
    size_t count;
    size_t begun;
    size_t open; /* talks under way */
    size_t joined;
    int status;      /* the first failure */
    inf_addr failed; /* who failed first */
} member_joining;

typedef struct member_place { /* an address to come back to */
    inf_addr addr;
    uint64_t next_ms;
    uint64_t since_ms;
    uint64_t tried_ms;
    uint32_t pause_ms;
    bool seed; /* given to join: kept for ever */
} member_place;

typedef struct member_note { /* a queued change */
    struct member_note *next;
    inf_change change;
    uint64_t boot;
    size_t name_len;
    uint8_t name[];
} member_note;

typedef struct member_queue {
    member_note *first;
    member_note **last;
    member_note *taken; /* what the caller still looks at */
    size_t count;
} member_queue;

typedef enum member_goodbye {
    GOODBYE_NOT,
    GOODBYE_INTENT, /* Serf's leave intent is spreading */
    GOODBYE_DEAD,   /* the leave message is spreading */
    GOODBYE_DONE
} member_goodbye;

struct inf_member {
    inf_alloc *mem;
    inf_outbox *outbox; /* borrowed */
    inf_keyring *keys;  /* borrowed */
    inf_member_tuning tuning;
    inf_framing framing;
    inf_rng rng;
    uint64_t now_ms;
    uint8_t label[INF_LABEL_MAX];

    member_record *self;
    inf_map by_name;       /* of member_record */
    inf_map by_addr;       /* of member_record, not left */
    member_record **order; /* owned; all records but self */
    size_t count;          /* in `order` */
    size_t cap;
    size_t live;          /* alive or suspect, self included */
    size_t cursor;        /* of the prober, in `order` */
    size_t gossip_cursor; /* of even gossip, likewise */

    inf_heap heap;
    member_timer probe_timer;
    member_timer gossip_timer;
    member_timer push_pull_timer;
    member_timer book_timer;
    member_timer leave_timer;

    member_news *tiers[INF_TIERS_MAX]; /* newest first */
    size_t user_news;
    size_t news_count;

    unsigned health;
    uint32_t seq;
    member_pending *pending;             /* owned, INF_PENDING_MAX */
    member_probe probes[INF_PROBES_MAX]; /* [0]: the regular one */
    bool probe_due;       /* a tick passed while the regular probe ran */
    member_relay *relays; /* owned, INF_RELAYS_MAX */
    size_t relay_next;

    inf_map talks; /* of member_talk, by stream */
    member_joining *joinings;
    member_place *book; /* owned, INF_BOOK_MAX */
    size_t book_count;

    member_goodbye goodbye;
    uint64_t goodbye_token;
    uint64_t goodbye_end_ms;
    inf_addr goodbye_acks[4]; /* distinct members that know */
    size_t goodbye_count;

    uint64_t serf_clock;             /* Lamport time of intents */
    uint64_t event_clock;            /* Lamport time of user events */
    uint64_t events[INF_EVENTS_MAX]; /* hashes of those heard, a ring */
    size_t event_next;
    member_queue changes;

    inf_packet_reader reader;
    inf_packet_writer writer;
    inf_buf scratch;
    inf_buf datagram;
    inf_buf encoded; /* one message */
    inf_quiet quiet; /* what the log has heard of strangers */
    inf_member_stats stats;
};

/* ---- member.c ------------------------------------------------------------ */

/** Lets time pass to `now_ms` before anything else is done, and notices when
    we ourselves stood still. */
void inf_member_enter(inf_member *m, uint64_t now_ms);
/** Sets a timer; a failure to find memory loses the wait. */
void inf_member_wait(inf_member *m, member_timer *timer, uint64_t due_ms);
void inf_member_stop(inf_member *m, member_timer *timer);
/** What came from the host could not be read: `status` says why. Counted, and
    written down once in a while. */
void inf_member_complain(inf_member *m, const inf_addr *from, int status);
/** Moves health by `delta`, within its bounds. */
void inf_member_doubt(inf_member *m, int delta);

/* ---- member_table.c ------------------------------------------------------ */

member_record *inf_table_find(const inf_member *m, inf_slice name);
member_record *inf_table_at(const inf_member *m, const inf_addr *addr);
/** A new record, dead at incarnation 0; NULL when full or out of memory. */
member_record *inf_table_add(inf_member *m, inf_slice name,
                             const inf_addr *addr);
void inf_table_move(inf_member *m, member_record *r, const inf_addr *addr);
/** Copies Meta and reads our tags out of it; false when out of memory. */
bool inf_table_set_meta(inf_member *m, member_record *r, inf_slice meta);
/** Changes the state, keeps count of the living. */
void inf_table_set_state(inf_member *m, member_record *r,
                         inf_member_state state);
typedef bool inf_table_filter(const inf_member *m, const member_record *r,
                              const void *ctx);
/** Draws up to `want` different records that pass; returns how many. */
size_t inf_table_draw(inf_member *m, size_t want, inf_table_filter *filter,
                      const void *ctx, member_record **out);
void inf_table_shuffle(inf_member *m);
/** Forgets records dead or left for long. */
void inf_table_reap(inf_member *m);
/** Frees all records. */
void inf_table_clear(inf_member *m);
bool inf_name_valid(inf_slice name);
void inf_queue_init(member_queue *queue);
void inf_queue_clear(inf_member *m, member_queue *queue);
member_note *inf_queue_push(inf_member *m, member_queue *queue, inf_slice name);
member_note *inf_queue_take(inf_member *m, member_queue *queue);
/** Queues a change, as an effect too. */
void inf_table_tell(inf_member *m, const member_record *r, inf_change change);

/* ---- member_rules.c ------------------------------------------------------ */

void inf_rules_alive(inf_member *m, const inf_message *message);
void inf_rules_suspect(inf_member *m, const inf_message *message);
void inf_rules_dead(inf_member *m, const inf_message *message);
/** One node of a peer's list. */
void inf_rules_merge(inf_member *m, const inf_message *state);
void inf_rules_suspect_by_us(inf_member *m, member_record *r);
void inf_rules_dead_by_us(inf_member *m, member_record *r);
void inf_rules_expired(inf_member *m, member_record *r);
/** Tells everybody what we are now, with a fresh incarnation. */
void inf_rules_announce(inf_member *m);
/** `rival` answers to the record's name although it is not its address. */
void inf_rules_conflict(inf_member *m, member_record *r, const inf_addr *rival);

/* ---- member_suspicion.c: pure arithmetic --------------------------------- */

/** The shortest suspicion among n members. */
uint32_t inf_suspicion_min_ms(const inf_member_tuning *tuning, size_t n);
/** From the start, after c of k confirmations. */
uint32_t inf_suspicion_ms(uint32_t min_ms, uint32_t max_ms, uint32_t k,
                          uint32_t c);
/** How often a piece of news is sent among n members. */
uint32_t inf_retransmit_limit(uint32_t mult, size_t n);
/** The push/pull interval among n members. */
uint64_t inf_push_pull_ms(uint32_t interval_ms, size_t n);

/* ---- member_gossip.c ----------------------------------------------------- */

/** Queues news about a member, in place of older news about it. */
void inf_news_put(inf_member *m, member_record *about,
                  const inf_message *message);
void inf_news_put_user(inf_member *m, inf_slice bytes);
void inf_news_drop(inf_member *m, member_record *about);
void inf_news_clear(inf_member *m);
/** The word that the record is alive, as we have it. */
inf_message inf_news_of(const member_record *r);
void inf_news_alive(inf_member *m, member_record *r);
void inf_gossip_tick(inf_member *m);
/** Sends one message, and news while there is room. */
void inf_send(inf_member *m, const inf_addr *to, const inf_message *message);
/** The same with a second message of ours in front of the news. */
void inf_send_both(inf_member *m, const inf_addr *to,
                   const inf_message *message, const inf_message *second);

/* ---- member_probe.c ------------------------------------------------------ */

void inf_probe_tick(inf_member *m);
void inf_probe_step(inf_member *m, member_probe *probe);
void inf_probe_now(inf_member *m, member_record *r, bool refused);
/** Pings a suspect outside any probe: its refutation rides on the ack. */
void inf_probe_last_word(inf_member *m, const member_record *r);
/** A peer holds the member, whom we hold alive, for suspect or dead: tells the
    member, and probes it. */
void inf_probe_hearsay(inf_member *m, member_record *r);
/** The TCP ping of a probe ended; `status` 0: it was answered. */
void inf_probe_stream(inf_member *m, uint64_t stream, int status);
/** Nobody waits for this record any more. */
void inf_probe_drop(inf_member *m, const member_record *r);
void inf_probe_ping(inf_member *m, const inf_message *ping,
                    const inf_addr *from);
void inf_probe_indirect(inf_member *m, const inf_message *ask,
                        const inf_addr *from);
void inf_probe_ack(inf_member *m, const inf_message *ack, const inf_addr *from);
void inf_probe_nack(inf_member *m, const inf_message *nack);
void inf_relay_step(inf_member *m, member_relay *relay);
/** A fresh sequence number that an ack will find. */
uint32_t inf_pending_add(inf_member *m, member_pending_kind kind, void *owner,
                         const inf_addr *to);
/** Forgets the pings of an owner that is about to vanish. */
void inf_pending_drop(inf_member *m, const void *owner);
/** Pings an address on which another holder of a name may live. */
void inf_probe_rival(inf_member *m, const inf_addr *addr, member_record *r);

/* ---- member_stream.c ----------------------------------------------------- */

/** Dials; NULL when there are too many. */
member_talk *inf_talk_dial(inf_member *m, member_talk_kind kind,
                           const inf_addr *to, inf_slice name);
void inf_talk_expired(inf_member *m, member_talk *talk);
void inf_talk_clear(inf_member *m);
void inf_push_pull_tick(inf_member *m);

/* ---- member_join.c ------------------------------------------------------- */

void inf_join_ended(inf_member *m, member_joining *joining,
                    const inf_addr *peer, int status);
void inf_join_clear(inf_member *m);
void inf_leave_step(inf_member *m);
void inf_leave_acked(inf_member *m, const inf_addr *by);

/* ---- member_book.c ------------------------------------------------------- */

void inf_book_add(inf_member *m, const inf_addr *addr, bool seed);
void inf_book_tick(inf_member *m);
void inf_book_answered(inf_member *m, const inf_addr *addr);
/* One of the dead is back: what parted us from it is over for others, too. */
void inf_book_hurry(inf_member *m);
/* Somebody at the address has talked to us. */
void inf_book_met(inf_member *m, const inf_addr *addr);

/* ---- member_user.c ------------------------------------------------------- */

void inf_user_heard(inf_member *m, inf_slice body);
/** User state of a push/pull. */
void inf_user_state_heard(inf_member *m, inf_slice state);
/** Says that we are about to leave, to Serf's agents. */
void inf_user_leave_intent(inf_member *m);

#endif
