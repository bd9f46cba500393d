/*
 * ctl.h - what the sub-commands of posternctl share
 */
#ifndef POSTERN_CTL_H
#define POSTERN_CTL_H

/* What every sub-command exits with. */
#define CTL_DONE 0
#define CTL_FAILED 1
#define CTL_MISUSED 2
#define CTL_NO_SERVER 3
#define CTL_NOBODY 4

/* Where the settings are if nobody says where. */
#define CTL_CONFIG SYSCONFDIR "/postern/postern.conf"

/* Tell on standard error what is wrong, behind "posternctl: ". */
void ctl_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tell how options were wrong, and return CTL_MISUSED. */
int ctl_misused(const char *usage);

/*
 * Add or change a user of a passwd-file.  The arguments are those behind
 * "passwd", with that as argv[0].  Returns an exit code.
 */
int ctl_passwd(int argc, char *argv[]);

/* Ask the server that runs; as above. */
int ctl_who(int argc, char *argv[]);
int ctl_kick(int argc, char *argv[]);
int ctl_stats(int argc, char *argv[]);
int ctl_metrics(int argc, char *argv[]);
int ctl_reload(int argc, char *argv[]);
int ctl_stop(int argc, char *argv[]);

#endif
