# SPDX-License-Identifier: BSD-2-Clause
#
# fish completion for gosonde. Commands, options and their arguments are asked of the program itself.

function __gosonde_pids
    command gosonde list --json 2>/dev/null | string replace -rf '^.*"pid":(\d+).*"exe":"([^"]*)".*' '$1\t$2'
end

# __gosonde_values ARGUMENT: what `complete` is to offer for such an argument of a usage: PID, FILE, a|b.
function __gosonde_values
    switch $argv[1]
        case 'GROUP,*'
            string split \n -- -xa '(__fish_append , map-write map-grow gc goroutine fault)'
        case FILE SOCKET 'FILE*'
            string split \n -- -rF
        case '*|*'
            string split \n -- -xa (string replace -a '|' ' ' $argv[1])
        case '?*'
            echo -- -x
    end
end

complete -c gosonde -f
complete -c gosonde -n __fish_is_first_token -l help -d 'List the commands'
complete -c gosonde -n __fish_is_first_token -l version -d 'Print the version'

for line in (command gosonde --help 2>/dev/null | string match -r '^  [a-z-]+ .*')
    set -l words (string match -r '^  ([a-z-]+) +(.*)' $line)
    set -l command $words[2]
    set -l help (command gosonde $command --help 2>/dev/null)
    set -l seen "__fish_seen_subcommand_from $command"

    complete -c gosonde -n __fish_is_first_token -a $command -d $words[3]
    switch $help[1]
        case '*PID|FILE*'
            complete -c gosonde -n $seen -F -a '(__gosonde_pids)'
        case '* PID*'
            complete -c gosonde -n $seen -a '(__gosonde_pids)'
        case '* FILE*'
            complete -c gosonde -n $seen -F
    end
    for option in $help
        set -l part (string match -r '^ {2,6}-?([^-, ]?),? *--([a-z-]+)(\[?)=?([^ \]]*)\]? *(.*)' -- $option)
        or continue
        set -l form -l $part[3]
        test -z "$part[2]"
        or set -a form -s $part[2]
        # What may be left out stands behind = only.
        test -n "$part[4]"
        or set -a form (__gosonde_values $part[5])
        complete -c gosonde -n $seen $form -d "$part[6]"
    end
end
