/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters: open for writing between init and exit.
 */
#ifndef KNUMAD_CONTROL_PARAMS_H
#define KNUMAD_CONTROL_PARAMS_H

#include "../engine/config.h"

int kn_params_init(void);
void kn_params_exit(void);

const char *kn_mode_name(enum kn_mode mode);

#endif /* KNUMAD_CONTROL_PARAMS_H */
