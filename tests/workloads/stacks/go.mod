// SPDX-License-Identifier: BSD-2-Clause

// A module of its own: it has generics where the compiler knows them, and Go 1.15 still builds the rest.
module gosonde.test/stacks

go 1.18
