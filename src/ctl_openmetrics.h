/*
 * ctl_openmetrics.h - numbers of the server as OpenMetrics; pure
 *
 * Only types that the older text format of Prometheus has, too, so that
 * node_exporter's textfile collector takes it.
 */
#ifndef POSTERN_CTL_OPENMETRICS_H
#define POSTERN_CTL_OPENMETRICS_H

#include <stdio.h>

#include "control_wire.h"

#define OPENMETRICS_TYPE \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Write 'stats', or, if they are NULL, that there is no server. */
void openmetrics_write(FILE *out, const struct control_stats *stats);

#endif
