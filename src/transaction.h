/*
 * transaction.h - the TRANSACTION state: STAT LIST RETR DELE NOOP RSET TOP
 * UIDL CAPA, and QUIT with the UPDATE state behind it
 */
#ifndef POSTERN_TRANSACTION_H
#define POSTERN_TRANSACTION_H

#include "pop3.h"

/* RFC 1939 sections 5 to 7. */
extern const struct pop3_state transaction_state;

#endif
