/* SPDX-License-Identifier: MIT */
/* list.h: an intrusive, circular, doubly linked list. Whoever is listed embeds
   an inf_list; an item that is in no list points at itself, so taking it out
   twice does nothing. */
#ifndef INF_BASE_LIST_H
#define INF_BASE_LIST_H

#include "base/def.h"

/** A list's head, or the place of one item in one list. */
typedef struct inf_list {
    struct inf_list *next;
    struct inf_list *prev;
} inf_list;

/** The structure that has `item` as its member. */
#define INF_LIST_OWNER(item, type, member)                                     \
    ((type *)(void *)((char *)(item)-offsetof(type, member)))

/** Makes an empty list, or an item that is in none. */
static inline void inf_list_init(inf_list *list) {
    list->next = list;
    list->prev = list;
}

static inline bool inf_list_empty(const inf_list *list) {
    return list->next == list;
}

/** Takes the item out of its list; fine when it is in none. */
static inline void inf_list_remove(inf_list *item) {
    item->prev->next = item->next;
    item->next->prev = item->prev;
    inf_list_init(item);
}

/** Puts an item that is in no list before `where`; the list's head as `where`
    means the end. */
static inline void inf_list_insert(inf_list *where, inf_list *item) {
    item->next = where;
    item->prev = where->prev;
    where->prev->next = item;
    where->prev = item;
}

/** Moves the item, from wherever it is, to the end of the list. */
static inline void inf_list_push(inf_list *list, inf_list *item) {
    inf_list_remove(item);
    inf_list_insert(list, item);
}

/** Moves all items of `from` to the empty list `to`, in order. */
static inline void inf_list_move(inf_list *to, inf_list *from) {
    inf_list_init(to);
    if (inf_list_empty(from)) return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    inf_list_init(from);
}

#endif
