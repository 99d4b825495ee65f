/* SPDX-License-Identifier: MIT */
#include "host/lock.h"

#include "base/error.h"

int inf_lock_init(inf_lock *lock) {
    if (uv_mutex_init(&lock->gate) != 0) return INF_ESYSTEM;
    if (uv_mutex_init(&lock->node) == 0) return 0;
    uv_mutex_destroy(&lock->gate);
    return INF_ESYSTEM;
}

void inf_lock_deinit(inf_lock *lock) {
    uv_mutex_destroy(&lock->node);
    uv_mutex_destroy(&lock->gate);
}

void inf_lock_take_last(inf_lock *lock) {
    uv_mutex_lock(&lock->gate);
    uv_mutex_lock(&lock->node);
    uv_mutex_unlock(&lock->gate);
}

void inf_lock_take(inf_lock *lock) {
    if (uv_mutex_trylock(&lock->node) != 0) inf_lock_take_last(lock);
}

void inf_lock_give(inf_lock *lock) {
    uv_mutex_unlock(&lock->node);
}
