# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # lib.bash sets what they share
#
# What the agent itself takes: CPU of all its threads, and memory.

measure_agent() {
	local seconds
	seconds=$(pick 20 5)
	: >"$data/agent.dat"
	agent_beside loop "$seconds" -pace free
	agent_beside 300k "$seconds" -pace free -rate 300000
	agent_beside idle "$seconds" -writers 0
	row "the agent's own CPU while it duty-cycles the loop" "≤ 0.5 %" "$(agent_figure loop 2) %"
	row "the same at 300 k writes/s" "≤ 0.5 %" "$(agent_figure 300k 2) %"
	row "the agent's own CPU beside an idle target" "≤ 0.2 %" "$(agent_figure idle 2) %"
	row "its memory beside an idle target, and the most there was" "≤ 25 MB" \
		"$(agent_figure idle 3) MB, $(agent_figure idle 4) MB"
	row "its memory while it duty-cycles the loop, and the most there was" "" \
		"$(agent_figure loop 3) MB, $(agent_figure loop 4) MB"
}

# agent_beside LABEL SECONDS LOAD…: "LABEL CPU_% RSS_MB PEAK_MB" into agent.dat.
agent_beside() {
	local before after now begin
	say "agent: $1"
	load "${@:3}"
	attach "$load"
	sleep 2 # its start is not its running
	stamp
	begin=$now
	before=$(cpu_ns "$agent")
	sleep "$2"
	stamp
	after=$(cpu_ns "$agent")
	echo "$1 $(calculate "($after - $before) / ($now - $begin) / 10" %.3f)" \
		"$(memory_mb VmRSS "$agent") $(memory_mb VmHWM "$agent")" >>"$data/agent.dat"
	detach
	unload
}

# cpu_ns PID: that its threads have run. stat would count ticks of 10 ms.
cpu_ns() {
	cat "/proc/$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

memory_mb() {
	awk -v field="$1:" '$1 == field { printf "%.1f", $2 * 1024 / 1e6 }' "/proc/$2/status"
}

# agent_figure LABEL COLUMN
agent_figure() {
	awk -v label="$1" -v column="$2" '$1 == label { print $column }' "$data/agent.dat"
}
