#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# The DaemonSet: by Kubernetes' own types, against the unit that it is to equal, and run as its container would be.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	manifest=$root/scripts/dist/kubernetes.yaml
	kubectl=$("$root/scripts/servers" kubectl 2>servers.said) || skip "no kubectl: $(tail -n 1 servers.said)"
	# As JSON, whatever is in it.
	"$kubectl" label --local -f "$manifest" -o json none- >manifest.json
}

teardown() {
	stop_all
}

# of KIND FILTER
of() {
	jq -r "select(.kind == \"$1\") | $2" manifest.json
}

container() {
	of DaemonSet ".spec.template.spec.containers[0]$1"
}

leaves() {
	jq -r 'select(.kind == "DaemonSet") | paths(scalars) as $p | "\($p | map(tostring) | join("/")) \(getpath($p))"' "$1" |
		sort
}

@test "every field is one that Kubernetes has, of the type that it has" {
	# What its types don't know is gone after it went through them. It prints nothing without a change.
	"$kubectl" set image --local -f "$manifest" gosonde=other -o json >typed.json 2>said || true
	grep -v 'does not have a pod template: \*v1.\(Namespace\|ConfigMap\)$' said | grep . && fail "$(cat said)"
	[[ -s typed.json ]]
	leaves manifest.json >ours
	leaves typed.json >theirs
	comm -23 ours theirs | grep -v '/image gosonde:' >unknown || true
	[[ ! -s unknown ]] || fail "unknown to Kubernetes:" "$(cat unknown)"
	equal "kinds" "$(jq -r .kind manifest.json | xargs)" "Namespace ConfigMap DaemonSet"
}

@test "it may what the unit may, and no more" {
	local unit=$root/scripts/dist/gosonde.service
	equal "capabilities" "$(container '.securityContext.capabilities.add[]' | sort | xargs)" \
		"$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr ' ' '\n' | sed s/CAP_// | sort | xargs)"
	equal "dropped" "$(container '.securityContext.capabilities.drop[]')" ALL
	equal "memory" "$(container .resources.limits.memory)" "$(sed -n 's/^MemoryMax=//p' "$unit")i"
	equal "privileged, read-only" \
		"$(container '.securityContext | "\(.privileged) \(.allowPrivilegeEscalation) \(.readOnlyRootFilesystem)"')" \
		"false false true"
}

@test "its configuration is right, and its probes and Prometheus ask where it serves" {
	local port release
	of ConfigMap '.data["gosonde.yaml"]' >gosonde.yaml
	exits 0 "$gosonde" check-config gosonde.yaml
	port=$(sed -n 's/^metrics: 0\.0\.0\.0://p' gosonde.yaml)
	equal "port" "$(container '.ports[0] | "\(.name) \(.containerPort)"')" "metrics $port"
	equal "annotation" "$(of DaemonSet '.spec.template.metadata.annotations["prometheus.io/port"]')" "$port"
	equal "ready" "$(container '.readinessProbe.httpGet | "\(.port) \(.path)"')" "metrics /readyz"
	equal "healthy" "$(container '.livenessProbe.httpGet | "\(.port) \(.path)"')" "metrics /healthz"
	equal "mounted" "$(container '.volumeMounts[0].mountPath')" /etc/gosonde
	release=$(sed -n 's/^RELEASE\t*:= //p' "$root/Makefile")
	equal "image" "$(container .image)" "gosonde:$release"
	grep -q "gosonde_${release}_amd64.deb /tmp/" "$manifest"
}

# observed: that many processes, by its own metrics.
observed() {
	[[ $(curl -s --max-time 5 "$at/metrics" | sed -n 's/^gosonde_targets //p') == "$1" ]]
}

serves() {
	at=$(sed -n 's|^gosonde: metrics at \(http.*\)/metrics$|\1|p' messages)
	ended "$agent" || [[ -n $at ]]
}

@test "with a container's rights, file system and cgroup namespace it observes another user's program" {
	local at='' capabilities
	needs_root
	command -v curl >/dev/null || skip "curl is not installed"
	capabilities=$(container '.securityContext.capabilities.add[]' | tr '[:upper:]' '[:lower:]' | sed s/^/+/ | paste -sd,)
	start "${nobody[@]}" "$(public "$(workload truth)")"
	# Of this machine's programs only the test's own, and a port that is free.
	of ConfigMap '.data["gosonde.yaml"]' |
		sed "s|{container: .*}|{exe: $BATS_TEST_TMPDIR/public/*}|; s/^metrics: .*/metrics: 127.0.0.1:0/" >gosonde.yaml
	echo 'min_age: 100ms' >>gosonde.yaml
	: >messages
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --cgroup --uts --ipc --propagation private sh -c '
		mount -o remount,bind,ro / && exec setpriv --bounding-set "-all,$1" --inh-caps -all --no-new-privs \
			"$2" daemon --config "$3"' sh "$capabilities" "$gosonde" "$PWD/gosonde.yaml" >/dev/null 2>messages 3>&- &
	agent=$!
	pids+=("$agent")
	within 30 serves
	alive "$agent" || fail "the daemon ended:" "$(cat messages)"
	# It looks at one program after the other, and this machine may have many.
	within 60 observed 1 || fail "$(cat messages)"
	equal "ready" "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$at/readyz")" 200
	equal "healthy" "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$at/healthz")" 200
	kill -TERM "$agent"
	await_agent 20
	equal "exit status" "$agent_status" 0
	equal "changes" "$(text_changes "$pid")" 0
}
