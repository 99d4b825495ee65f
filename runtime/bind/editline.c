/* SPDX-License-Identifier: MIT */
/* editline.c: libedit's own interface rather than its copy of readline's: that
   one keeps its state in globals of the process and reads keys itself. Here
   each key comes from a buffer. Only within an escape sequence, which some
   terminals deliver in pieces, is the terminal itself looked at, and not for
   long: a lone Escape must not stop the loop.

   A process has one terminal to edit on, so there is one editor in it (see
   console.c): the static pointer is how libedit's callbacks find it. */
#include "bind/editline.h"

#include <dlfcn.h>
#include <locale.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#if defined(__has_include)
#if __has_include(<histedit.h>)
#define HAVE_LIBEDIT
#endif
#endif

#ifdef HAVE_LIBEDIT

#include <histedit.h>

#define HISTORY_LINES    1000
#define SEQUENCE_WAIT_MS 50
#define PROMPT_ROOM      256
#define KEY_ESCAPE       0x1b
#define KEY_END          0x04

struct inf_editline {
    void *library;
    EditLine *(*init)(const char *, FILE *, FILE *, FILE *);
    void (*free)(EditLine *);
    int (*set)(EditLine *, int, ...);
    int (*wset)(EditLine *, int, ...);
    const char *(*gets)(EditLine *, int *);
    const LineInfo *(*line)(EditLine *);
    const LineInfoW *(*wline)(EditLine *);
    int (*insert)(EditLine *, const char *);
    void (*erase)(EditLine *, int);
    void (*resize)(EditLine *);
    History *(*history_init)(void);
    void (*history_end)(History *);
    int (*history)(History *, HistEvent *, int, ...);
    EditLine *el;
    History *past;
    inf_buf *input; /* being fed; NULL: nothing is */
    wchar_t before; /* the key before this one */
    bool tab;       /* it was the completion key */
    bool begun;     /* a line is being typed */
    char prompt[PROMPT_ROOM];
};

static bool find(inf_editline *edit) {
    static const char *const names[] = {"libedit.so.2", "libedit.so.0",
                                        "libedit.so", "libedit.3.dylib"};
    for (size_t i = 0; i < INF_COUNT(names) && edit->library == NULL; i++) {
        /* It stays: what it keeps of the terminal is for the whole process. */
        edit->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    }
    if (edit->library == NULL) return false;
    const struct {
        const char *name;
        void *slot;
    } wanted[] = {
        {"el_init", &edit->init},
        {"el_end", &edit->free},
        {"el_set", &edit->set},
        {"el_wset", &edit->wset},
        {"el_gets", &edit->gets},
        {"el_line", &edit->line},
        {"el_wline", &edit->wline},
        {"el_insertstr", &edit->insert},
        {"el_deletestr", &edit->erase},
        {"el_resize", &edit->resize},
        {"history_init", &edit->history_init},
        {"history_end", &edit->history_end},
        {"history", &edit->history},
    };
    for (size_t i = 0; i < INF_COUNT(wanted); i++) {
        void *symbol = dlsym(edit->library, wanted[i].name);
        if (symbol == NULL) return false;
        memcpy(wanted[i].slot, &symbol, sizeof symbol); /* POSIX: it fits */
    }
    return true;
}

static _Atomic(inf_editline *) the_one = NULL;

/* ---- what libedit calls -------------------------------------------------- */

static char *prompt_of(EditLine *el) {
    (void)el;
    return atomic_load(&the_one)->prompt;
}

static int on_tab(EditLine *el, int key) {
    (void)el;
    (void)key;
    atomic_load(&the_one)->tab = true;
    return CC_NORM;
}

/* More bytes of a key that has begun. An escape sequence comes at once or not
   at all; what asks for a key and says so (a quoted insert) may wait. */
static bool read_more(inf_editline *edit) {
    struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
    bool sequence = edit->before == KEY_ESCAPE || edit->before == L'[' ||
                    edit->before == L'O' || edit->input->len != 0;
    if (poll(&terminal, 1, sequence ? SEQUENCE_WAIT_MS : -1) != 1) return false;
    uint8_t *room = inf_buf_reserve(edit->input, 64);
    if (room == NULL) return false;
    ssize_t count = read(STDIN_FILENO, room, 64);
    if (count <= 0) return false;
    edit->input->len += (size_t)count;
    return true;
}

static int next_key(EditLine *el, wchar_t *key) {
    inf_editline *edit = atomic_load(&the_one);
    (void)el;
    for (;;) {
        mbstate_t state = {0};
        const char *bytes = (const char *)edit->input->data;
        size_t used = edit->input->len == 0
                          ? (size_t)-2
                          : mbrtowc(key, bytes, edit->input->len, &state);
        if (used == (size_t)-2) {
            if (!read_more(edit)) return 0;
            continue;
        }
        if (used == (size_t)-1) { /* no character: the byte itself */
            *key = edit->input->data[0];
            used = 1;
        }
        inf_buf_consume(edit->input, used == 0 ? 1 : used);
        edit->before = *key;
        return 1;
    }
}

/* ---- making and freeing -------------------------------------------------- */

static void bind_keys(inf_editline *edit) {
    static const char *const keys[][2] = {
        {"^I", "inf-complete"},        {"^R", "ed-search-prev-history"},
        {"^W", "ed-delete-prev-word"}, {"\\e[3~", "ed-delete-next-char"},
        {"\\e[1~", "ed-move-to-beg"},  {"\\e[H", "ed-move-to-beg"},
        {"\\eOH", "ed-move-to-beg"},   {"\\e[4~", "ed-move-to-end"},
        {"\\e[F", "ed-move-to-end"},   {"\\eOF", "ed-move-to-end"},
        {"\\e[1;5C", "em-next-word"},  {"\\e[1;5D", "ed-prev-word"},
    };
    /* The wide call: the other one copies the names and forgets them. */
    (void)edit->wset(edit->el, EL_ADDFN, L"inf-complete", L"complete", on_tab);
    for (size_t i = 0; i < INF_COUNT(keys); i++) {
        (void)edit->set(edit->el, EL_BIND, keys[i][0], keys[i][1], NULL);
    }
}

static bool start(inf_editline *edit) {
    HistEvent event;
    edit->el = edit->init("infinitomata", stdin, stdout, stderr);
    edit->past = edit->history_init();
    if (edit->el == NULL || edit->past == NULL) return false;
    (void)edit->history(edit->past, &event, H_SETSIZE, HISTORY_LINES);
    (void)edit->history(edit->past, &event, H_SETUNIQUE, 1);
    (void)edit->set(edit->el, EL_SIGNAL, 0);
    (void)edit->set(edit->el, EL_EDITOR, "emacs");
    (void)edit->set(edit->el, EL_PROMPT, prompt_of);
    (void)edit->set(edit->el, EL_HIST, edit->history, edit->past);
    (void)edit->set(edit->el, EL_GETCFN, next_key);
    bind_keys(edit);
    return true;
}

/* A character set is the user's to choose; without one, UTF-8 it is. Only
   LC_CTYPE: numbers keep their point. */
static void use_characters(void) {
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1) {
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    }
}

static bool can_edit(void) {
    const char *term = getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term != NULL &&
           term[0] != '\0' && strcmp(term, "dumb") != 0;
}

inf_editline *inf_editline_new(void) {
    if (!can_edit()) return NULL;
    inf_editline *edit = calloc(1, sizeof *edit);
    if (edit == NULL) return NULL;
    atomic_store(&the_one, edit);
    use_characters();
    if (find(edit) && start(edit)) return edit;
    inf_editline_free(edit);
    return NULL;
}

void inf_editline_free(inf_editline *edit) {
    if (edit == NULL) return;
    inf_editline_end(edit);
    if (edit->el != NULL) edit->free(edit->el);
    if (edit->past != NULL) edit->history_end(edit->past);
    if (edit->library != NULL) (void)dlclose(edit->library);
    atomic_store(&the_one, NULL);
    free(edit);
}

/* ---- the line ------------------------------------------------------------ */

void inf_editline_begin(inf_editline *edit, const char *prompt) {
    inf_editline_end(edit);
    (void)snprintf(edit->prompt, sizeof edit->prompt, "%s", prompt);
    (void)fflush(stdout);
    edit->begun = true;
    (void)edit->set(edit->el, EL_UNBUFFERED, 1);
}

void inf_editline_end(inf_editline *edit) {
    if (!edit->begun) return;
    edit->begun = false;
    (void)edit->set(edit->el, EL_UNBUFFERED, 0);
}

inf_slice inf_editline_text(inf_editline *edit, size_t *before) {
    const LineInfo *line = edit->line(edit->el);
    size_t len = (size_t)(line->lastchar - line->buffer);
    if (before != NULL) *before = (size_t)(line->cursor - line->buffer);
    while (len > 0 &&
           (line->buffer[len - 1] == '\n' || line->buffer[len - 1] == '\r')) {
        len--;
    }
    return inf_slice_of(line->buffer, len);
}

inf_edited inf_editline_feed(inf_editline *edit, inf_buf *input) {
    edit->input = input;
    inf_edited edited = INF_EDITED_MORE;
    while (edited == INF_EDITED_MORE && input->len != 0) {
        int count = 0;
        edit->tab = false;
        edit->before = 0;
        const char *line = edit->gets(edit->el, &count);
        if (edit->tab) {
            edited = INF_EDITED_TAB;
        } else if (line != NULL && count > 0) {
            char last = line[count - 1];
            if (last == '\n' || last == '\r') edited = INF_EDITED_LINE;
            if (last == KEY_END && count == 1) edited = INF_EDITED_END;
        }
    }
    edit->input = NULL;
    return edited;
}

/* The columns a text takes on the screen. */
static size_t columns_of(const wchar_t *text, size_t len) {
    size_t columns = 0;
    for (size_t i = 0; i < len; i++) {
        int width = wcwidth(text[i]);
        columns += width > 0 ? (size_t)width : (width < 0 ? 2 : 0);
    }
    return columns;
}

static size_t prompt_columns(const inf_editline *edit) {
    wchar_t wide[PROMPT_ROOM];
    size_t len = mbstowcs(wide, edit->prompt, PROMPT_ROOM);
    return len == (size_t)-1 ? strlen(edit->prompt) : columns_of(wide, len);
}

static size_t screen_width(void) {
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    return known && size.ws_col > 0 ? size.ws_col : 80;
}

/* Puts the cursor where the prompt begins and clears all below. */
static void wipe(const inf_editline *edit) {
    const LineInfoW *line = edit->wline(edit->el);
    size_t before =
        columns_of(line->buffer, (size_t)(line->cursor - line->buffer));
    size_t row = (prompt_columns(edit) + before) / screen_width();
    if (row > 0) (void)printf("\033[%zuA", row);
    (void)fputs("\r\033[J", stdout);
}

static void redraw(inf_editline *edit) {
    (void)fflush(stdout);
    (void)edit->set(edit->el, EL_REFRESH);
}

void inf_editline_replace(inf_editline *edit, int count, const char *text) {
    wipe(edit);
    if (count > 0) edit->erase(edit->el, count);
    if (text[0] != '\0') (void)edit->insert(edit->el, text);
    redraw(edit);
}

void inf_editline_show(inf_editline *edit, const char *text, size_t len) {
    if (edit->begun) wipe(edit);
    (void)fwrite(text, 1, len, stdout);
    if (len > 0 && text[len - 1] != '\n') (void)fputc('\n', stdout);
    if (edit->begun) redraw(edit);
    (void)fflush(stdout);
}

void inf_editline_refresh(inf_editline *edit) {
    edit->resize(edit->el);
    if (!edit->begun) return;
    (void)edit->set(edit->el, EL_PREP_TERM, 0);
    (void)edit->set(edit->el, EL_PREP_TERM, 1);
    wipe(edit);
    redraw(edit);
}

void inf_editline_remember(inf_editline *edit, const char *line) {
    HistEvent event;
    (void)edit->history(edit->past, &event, H_ENTER, line);
}

#else /* no libedit where this was built: plain lines everywhere */

inf_editline *inf_editline_new(void) {
    return NULL;
}

void inf_editline_free(inf_editline *edit) {
    (void)edit;
}

void inf_editline_begin(inf_editline *edit, const char *prompt) {
    (void)edit;
    (void)prompt;
}

void inf_editline_end(inf_editline *edit) {
    (void)edit;
}

inf_edited inf_editline_feed(inf_editline *edit, inf_buf *input) {
    (void)edit;
    (void)input;
    return INF_EDITED_MORE;
}

inf_slice inf_editline_text(inf_editline *edit, size_t *before) {
    (void)edit;
    (void)before;
    return inf_slice_str("");
}

void inf_editline_replace(inf_editline *edit, int count, const char *text) {
    (void)edit;
    (void)count;
    (void)text;
}

void inf_editline_show(inf_editline *edit, const char *text, size_t len) {
    (void)edit;
    (void)text;
    (void)len;
}

void inf_editline_refresh(inf_editline *edit) {
    (void)edit;
}

void inf_editline_remember(inf_editline *edit, const char *line) {
    (void)edit;
    (void)line;
}

#endif
