# SPDX-License-Identifier: MIT
# complete.zsh ROOT LINE: completes the end of it, prints <the line that comes out>.
zmodload zsh/zpty
zpty zsh zsh -f -i
zpty -w zsh "PROMPT='%%'; unsetopt beep; fpath=($1/completions \$fpath)"
zpty -w zsh "autoload -Uz compinit; compinit -u -D"
zpty -w zsh "show() { print -r \"<\$BUFFER>\"; BUFFER=; zle accept-line }; zle -N show"
zpty -w zsh "bindkey '^I' complete-word; bindkey '^G' show"
zpty -w zsh 'print rea""dy'
zpty -r zsh line '*ready*'
zpty -w -n zsh "$2"$'\t\x07'
zpty -r zsh line '*<*>*'
print -r -- "$line"
