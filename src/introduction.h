/*
 * introduction.h - a proxy tells who its client is, and the master if it may
 * stay
 */
#ifndef POSTERN_INTRODUCTION_H
#define POSTERN_INTRODUCTION_H

#include "pop3.h"

/*
 * On a listener for proxies, which says so by its setting: read the header
 * that comes before all else, and not one octet more, have the master judge the
 * client, and let the session go by that.
 * Returns POP3_CONTINUE, or POP3_OVER and then report.end says why.
 */
enum pop3_event introduction_await(struct session *session);

#endif
