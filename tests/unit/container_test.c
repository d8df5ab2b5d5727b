/* SPDX-License-Identifier: BSD-2-Clause */
/* Container, pod and class of quality of service out of /proc/PID/cgroup, as engines write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "proc/container.h"

#define ID     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UID    "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
#define UID_   "0f1e2d3c_4b5a_6978_8796_a5b4c3d2e1f0"
#define UID2   "11111111-2222-3333-4444-555555555555"
#define STATIC "00112233445566778899aabbccddeeff"
#define SLICES "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"

struct row {
	const char *text, *id, *engine;
	bool kubernetes;
	const char *uid, *qos;
};

static void assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct container c;
		bool is = container_from_cgroup(row->text, &c);

		if (is != (row->id[0] != '\0') || strcmp(c.id, row->id) != 0 ||
		    strcmp(c.engine, row->engine) != 0 || c.kubernetes != row->kubernetes ||
		    strcmp(c.pod.uid, row->uid) != 0 || strcmp(c.pod.qos, row->qos) != 0)
			fail_msg("%s: \"%s\" \"%s\" %d \"%s\" \"%s\"", row->text, c.id, c.engine,
				 c.kubernetes, c.pod.uid, c.pod.qos);
	}
}

#define ASSERT_ROWS(rows) assert_rows(rows, ARRAY_SIZE(rows))

static void the_kubelet_with_systemd(void **state)
{
	static const struct row rows[] = {
		{ "0::" SLICES UID_ ".slice/cri-containerd-" ID ".scope\n", ID, "containerd", true,
		  UID, "Burstable" },
		{ "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
		  ".slice/crio-" ID ".scope\n",
		  ID, "cri-o", true, UID, "BestEffort" },
		{ "0::/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" ID ".scope\n", ID,
		  "docker", true, UID, "Guaranteed" },
		/* Version 1, where a hierarchy that the engine leaves alone says "/". */
		{ "13:misc:/\n12:pids:" SLICES UID_ ".slice/cri-containerd-" ID
		  ".scope\n1:name=systemd:" SLICES UID_ ".slice/cri-containerd-" ID
		  ".scope\n0::/\n",
		  ID, "containerd", true, UID, "Burstable" },
		/* With its own init inside, or a group for the container below the scope. */
		{ "0::" SLICES UID_ ".slice/crio-" ID ".scope/container\n", ID, "cri-o", true, UID,
		  "Burstable" },
		{ "0::" SLICES UID_ ".slice/cri-containerd-" ID
		  ".scope/system.slice/nginx.service\n",
		  ID, "containerd", true, UID, "Burstable" },
		/* A static pod, which the API server does not know by this UID: of a file. */
		{ "0::" SLICES STATIC ".slice/cri-containerd-" ID ".scope\n", ID, "containerd",
		  true, STATIC, "Burstable" },
		/* containerd without SystemdCgroup under a kubelet that uses systemd. */
		{ "11:cpu:/system.slice/containerd.service/kubepods-besteffort-pod" UID_
		  ".slice:cri-containerd:" ID "\n",
		  ID, "containerd", true, UID, "BestEffort" },
		/* kind, k3d: another root, which goes into each name. */
		{ "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_
		  ".slice/cri-containerd-" ID ".scope\n",
		  ID, "containerd", true, UID, "Guaranteed" },
		{ "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
		  "kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope\n",
		  ID, "containerd", true, UID, "Burstable" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void the_kubelet_with_cgroupfs(void **state)
{
	static const struct row rows[] = {
		{ "0::/kubepods/besteffort/pod" UID "/" ID "\n", ID, "", true, UID, "BestEffort" },
		{ "4:memory:/kubepods/burstable/pod" UID "/" ID "\n", ID, "", true, UID,
		  "Burstable" },
		{ "4:cpu,cpuacct:/kubepods/pod" UID "/" ID "\n", ID, "", true, UID, "Guaranteed" },
		{ "0::/kubepods/burstable/pod" STATIC "/crio-" ID "\n", ID, "cri-o", true, STATIC,
		  "Burstable" },
		{ "0::/k8s.io/kubepods/pod" UID "/" ID "\n", ID, "", true, UID, "Guaranteed" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void one_in_another(void **state)
{
	static const struct row rows[] = {
		/* kind: nodes are containers themselves; the innermost is the process's. */
		{ "0::/docker/" ID "/kubelet/kubepods/besteffort/pod" UID "/" ID2 "\n", ID2, "",
		  true, UID, "BestEffort" },
		{ "0::/system.slice/docker-" ID ".scope/kubelet.slice/kubelet-kubepods.slice/"
		  "kubelet-kubepods-pod" UID_ ".slice/cri-containerd-" ID2 ".scope\n",
		  ID2, "containerd", true, UID, "Guaranteed" },
		/* A cluster in a pod. */
		{ "0::/kubepods/burstable/pod" UID "/" ID "/kubepods/pod" UID2 "/" ID2 "\n", ID2,
		  "", true, UID2, "Guaranteed" },
		/* Docker in a pod. */
		{ "0::" SLICES UID_ ".slice/cri-containerd-" ID ".scope/docker/" ID2 "\n", ID2,
		  "docker", true, UID, "Burstable" },
		/* What a container calls a group of its own does not make it a pod's. */
		{ "0::" SLICES UID_ ".slice/cri-containerd-" ID ".scope/kubepods-pod" UID2
		  ".slice\n",
		  ID, "containerd", true, UID, "Burstable" },
		/* A machine's name does not stand before a container's digest. */
		{ "0::/lxc.payload.web/docker/" ID "\n", ID, "docker", false, "", "" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

/* As seen by a reader that has a cgroup namespace of its own, such as a DaemonSet's pod. */
static void from_within_a_namespace(void **state)
{
	static const struct row rows[] = {
		{ "0::/../cri-containerd-" ID ".scope\n", ID, "containerd", false, "", "" },
		{ "0::/../../kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID ".scope\n",
		  ID, "containerd", true, UID, "Burstable" },
		{ "0::/../../../kubepods-pod" UID_ ".slice/crio-" ID ".scope\n", ID, "cri-o", true,
		  UID, "Guaranteed" },
		/* The class stands above what is to be seen, unless the path goes up there. */
		{ "0::/../../pod" UID "/" ID "\n", ID, "", true, UID, "" },
		{ "0::/../../../besteffort/pod" UID "/" ID "\n", ID, "", true, UID, "BestEffort" },
		{ "0::/../../../pod" UID "/" ID "\n", ID, "", true, UID, "" },
		{ "0::/\n", "", "", false, "", "" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void what_serves_a_pod_is_known_by_it(void **state)
{
	static const struct row rows[] = {
		{ "0::" SLICES UID_ ".slice/crio-conmon-" ID ".scope\n", "", "", true, UID,
		  "Burstable" },
		{ "0::/kubepods/pod" UID "\n", "", "", true, UID, "Guaranteed" },
		{ "0::/kubepods/burstable/pod" UID "/kata_overhead\n", "", "", true, UID,
		  "Burstable" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void containers_of_no_pod(void **state)
{
	static const struct row rows[] = {
		{ "0::/system.slice/docker-" ID ".scope\n", ID, "docker", false, "", "" },
		/* v1 and v2 side by side: the v1 line says nothing */
		{ "1:name=systemd:/\n0::/system.slice/docker-" ID ".scope\n", ID, "docker", false,
		  "", "" },
		{ "12:pids:/docker/" ID "\n11:cpu:/docker/" ID "\n", ID, "docker", false, "", "" },
		{ "0::/ecs/0f1e2d3c4b5a69788796a5b4c3d2e1f0/" ID "\n", ID, "", false, "", "" },
		{ "0::/actions_job/" ID "\n", ID, "", false, "", "" },
		{ "0::/machine.slice/libpod-" ID ".scope/container\n", ID, "podman", false, "",
		  "" },
		{ "0::/machine.slice/machine-libpod_pod_" ID2 ".slice/libpod-" ID ".scope\n", ID,
		  "podman", false, "", "" },
		{ "0::/machine.slice/machine-libpod_pod_" ID2 ".slice/libpod-conmon-" ID ".scope\n",
		  "", "", false, "", "" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
		  ".scope\n",
		  ID, "podman", false, "", "" },
		{ "0::/system.slice/nerdctl-" ID ".scope\n", ID, "containerd", false, "", "" },
		{ ID, ID, "", false, "", "" }, /* no newline, nothing before it */
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void machines_have_names(void **state)
{
	static const struct row rows[] = {
		{ "0::/lxc.payload.web-1/system.slice/app.service\n", "web-1", "lxc", false, "",
		  "" },
		{ "9:pids:/lxc/web\n", "web", "lxc", false, "", "" },
		{ "9:pids:/lxc/web/user.slice\n0::/\n", "web", "lxc", false, "", "" },
		{ "0::/lxc.monitor.web\n", "", "", false, "", "" }, /* watches it from outside */
		{ "0::/srv/lxc/web\n", "", "", false, "", "" },
		{ "0::/lxc\n", "", "", false, "", "" },
		{ "0::/machine.slice/systemd-nspawn@build.service/payload/init.scope\n", "build",
		  "systemd-nspawn", false, "", "" },
		{ "0::/machine.slice/machine-debian\\x2dtree.scope/payload\n", "debian-tree",
		  "systemd-nspawn", false, "", "" },
		/* A virtual machine of libvirt, and its LXC. */
		{ "0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope\n", "", "", false, "", "" },
		{ "0::/machine.slice/machine-lxc\\x2d12\\x2dweb.scope/libvirt\n", "", "", false, "",
		  "" },
		/* No names: empty, 65 bytes, others than letters and digits. */
		{ "0::/lxc.payload.\n", "", "", false, "", "" },
		{ "0::/lxc.payload." ID "0\n", "", "", false, "", "" },
		{ "0::/lxc.payload.a b\n", "", "", false, "", "" },
		{ "0::/lxc.payload.a\x1b[2J\n", "", "", false, "", "" },
		{ "0::/machine.slice/machine-a\\x1b.scope\n", "", "", false, "", "" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void what_only_looks_like_it(void **state)
{
	static const struct row rows[] = {
		{ "", "", "", false, "", "" },
		{ "\n\n", "", "", false, "", "" },
		{ "0::/system.slice/ssh.service\n", "", "", false, "", "" },
		{ "0::/x-" ID "0\n", "", "", false, "", "" }, /* 65 digits are no id */
		{ "0::/0123456789abcdef\n", "", "", false, "", "" },
		/* No UID: too short, capitals, both kinds of separators, a digit too many. */
		{ "0::/kubepods/besteffort/pod0f1e/" ID "\n", ID, "", true, "", "" },
		{ "0::/kubepods/pod0F1E2D3C-4b5a-6978-8796-a5b4c3d2e1f0/" ID "\n", ID, "", true, "",
		  "" },
		{ "0::/kubepods/pod0f1e2d3c-4b5a_6978-8796-a5b4c3d2e1f0/" ID "\n", ID, "", true, "",
		  "" },
		{ "0::/kubepods/pod" UID "0/" ID "\n", ID, "", true, "", "" },
		{ "0::/kubepods/pod" UID "\nx", "", "", true, UID, "Guaranteed" },
		/* Somebody's own slice. */
		{ "0::/app.slice/app-pod" UID_ ".slice/docker-" ID ".scope\n", ID, "docker", false,
		  "", "" },
		{ "0::/tripod" UID "/docker-" ID ".scope\n", ID, "docker", false, "", "" },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kubelet_with_systemd),
		cmocka_unit_test(the_kubelet_with_cgroupfs),
		cmocka_unit_test(one_in_another),
		cmocka_unit_test(from_within_a_namespace),
		cmocka_unit_test(what_serves_a_pod_is_known_by_it),
		cmocka_unit_test(containers_of_no_pod),
		cmocka_unit_test(machines_have_names),
		cmocka_unit_test(what_only_looks_like_it),
	};

	return cmocka_run_group_tests_name("container", tests, NULL, NULL);
}
