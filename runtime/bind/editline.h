/* SPDX-License-Identifier: MIT */
/* editline.h: one line being typed on the terminal, edited by libedit. It never
   waits for a key: bytes are put into it as the loop brings them.

   libedit is looked for when a terminal is there to edit on, so neither the
   program nor the libraries need it to start. */
#ifndef INF_BIND_EDITLINE_H
#define INF_BIND_EDITLINE_H

#include "base/buf.h"

typedef struct inf_editline inf_editline;

/** What became of the line. */
typedef enum inf_edited {
    INF_EDITED_MORE, /* it is not finished */
    INF_EDITED_LINE, /* it is: inf_editline_text has it */
    INF_EDITED_END,  /* Ctrl-D on an empty line */
    INF_EDITED_TAB,  /* a completion is asked for; the line goes on */
} inf_edited;

/** Makes an editor on standard input and output, or gives NULL: no libedit
    here, or a terminal that cannot move its cursor. */
inf_editline *inf_editline_new(void);
/** Gives the terminal back as it was. NULL is fine. */
void inf_editline_free(inf_editline *edit);

/** Shows the prompt and an empty line; the terminal gives single keys. */
void inf_editline_begin(inf_editline *edit, const char *prompt);
/** Leaves the line as it stands; the terminal gives whole lines again. */
void inf_editline_end(inf_editline *edit);
/** Takes what is in `input`, up to the first that is not INF_EDITED_MORE. */
inf_edited inf_editline_feed(inf_editline *edit, inf_buf *input);

/** The line without its end; valid until the next call. `before` gets how many
    of its bytes stand before the cursor, unless it is NULL. */
inf_slice inf_editline_text(inf_editline *edit, size_t *before);
/** Replaces the `count` characters before the cursor. */
void inf_editline_replace(inf_editline *edit, int count, const char *text);
/** Writes whole lines above the prompt; what is typed stays. */
void inf_editline_show(inf_editline *edit, const char *text, size_t len);
/** The terminal has another size, or other settings than we gave it. */
void inf_editline_refresh(inf_editline *edit);
/** Adds a line to what the arrow keys bring back. */
void inf_editline_remember(inf_editline *edit, const char *line);

#endif
