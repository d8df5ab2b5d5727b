// SPDX-License-Identifier: BSD-2-Clause

// Programs that misbehave on purpose, or tell the truth about themselves, for the live tests and the
// demo. No dependencies; the language version is old so that Go 1.19 and the newest build them alike.
module gosonde.test/workloads

go 1.17
