/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/window.h"

const char *accuracy_name(enum accuracy accuracy)
{
	switch (accuracy) {
	case ACCURACY_EXACT:
		return "exact";
	case ACCURACY_SAMPLED:
		return "sampled";
	case ACCURACY_LOWER_BOUND:
		return "lower-bound";
	}
	return "unknown";
}
