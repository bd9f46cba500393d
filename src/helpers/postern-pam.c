/*
 * postern-pam.c - a checkpassword program that asks PAM
 *
 *	postern-pam [-s service] program [argument ...]
 *
 * Reads "login\0password\0timestamp\0" from descriptor 3, becomes that user and
 * runs 'program'.  Runs as: root, or as the one user who may log in.
 * Distrusts: login and password.  Exit codes: 1 refused, 2 misused, 111 cannot
 * say now.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define REQUEST_FD 3
#define REQUEST_OCTETS 512
#define EXIT_REFUSED 1
#define EXIT_MISUSED 2
#define EXIT_TEMPORARY 111

/* What PAM says of a user or a password; all else is PAM's own trouble. */
static const int refusals[] = {
	PAM_AUTH_ERR, PAM_USER_UNKNOWN, PAM_MAXTRIES, PAM_PERM_DENIED,
	PAM_ACCT_EXPIRED, PAM_NEW_AUTHTOK_REQD, PAM_AUTHTOK_EXPIRED,
	PAM_CRED_EXPIRED,
};

struct request {
	char octets[REQUEST_OCTETS + 1];
	const char *login, *password;
};

static bool is_refusal(int result)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i] == result)
			return true;
	return false;
}

static size_t read_all(char *octets, size_t room)
{
	size_t count = 0;
	ssize_t got = 1;

	while (got > 0 && count < room) {
		got = read(REQUEST_FD, octets + count, room - count);
		if (got > 0)
			count += (size_t)got;
	}
	close(REQUEST_FD);	/* only read from: nothing can be lost */
	return count;
}

/* Each of the three strings must end inside what was read. */
static bool read_request(struct request *request)
{
	size_t count = read_all(request->octets, REQUEST_OCTETS + 1);
	size_t login = strnlen(request->octets, count), password;

	if (count > REQUEST_OCTETS || login >= count)
		return false;
	request->login = request->octets;
	request->password = request->octets + login + 1;
	password = strnlen(request->password, count - login - 1);
	return login + 1 + password < count;
}

static int answer(const struct pam_message *message, const char *password,
	char **text)
{
	switch (message->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
		*text = strdup(password);
		return *text == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
	case PAM_PROMPT_ECHO_ON:
		*text = strdup("");
		return *text == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
	case PAM_ERROR_MSG:
	case PAM_TEXT_INFO:
		return PAM_SUCCESS;
	default:
		return PAM_CONV_ERR;
	}
}

static void forget(struct pam_response *responses, int count)
{
	for (int i = 0; i < count; i++) {
		if (responses[i].resp == NULL)
			continue;
		explicit_bzero(responses[i].resp, strlen(responses[i].resp));
		free(responses[i].resp);
	}
	free(responses);
}

/* PAM's conversation: there is nobody to ask, only the password to give. */
static int converse(int count, const struct pam_message **messages,
	struct pam_response **responses, void *password)
{
	int result = PAM_SUCCESS;

	if (count <= 0 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	*responses = calloc((size_t)count, sizeof(**responses));
	if (*responses == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < count && result == PAM_SUCCESS; i++)
		result = answer(messages[i], password, &(*responses)[i].resp);
	if (result == PAM_SUCCESS)
		return PAM_SUCCESS;
	forget(*responses, count);
	*responses = NULL;
	return result;
}

#ifdef PAM_FAIL_DELAY
/* The server delays failures itself, and longer for whoever fails often. */
static void no_delay(int result, unsigned microseconds, void *nothing)
{
	(void)result, (void)microseconds, (void)nothing;
}
#endif

static int set_items(pam_handle_t *pam)
{
	const char *address = getenv("TCPREMOTEIP");
	int result = pam_set_item(pam, PAM_TTY, "postern");

	if (result == PAM_SUCCESS && address != NULL)
		result = pam_set_item(pam, PAM_RHOST, address);
#ifdef PAM_FAIL_DELAY
	if (result == PAM_SUCCESS)
		result = pam_set_item(pam, PAM_FAIL_DELAY,
			(const void *)no_delay);
#endif
	return result;
}

/* A module may have changed the name; the account is what it says now. */
static int find_account(pam_handle_t *pam, struct passwd **account)
{
	const void *user = NULL;
	int result = pam_get_item(pam, PAM_USER, &user);

	if (result != PAM_SUCCESS)
		return result;
	if (user == NULL)
		return PAM_USER_UNKNOWN;
	errno = 0;
	*account = getpwnam(user);
	if (*account != NULL)
		return PAM_SUCCESS;
	return errno == 0 ? PAM_USER_UNKNOWN : PAM_AUTHINFO_UNAVAIL;
}

static int check(pam_handle_t *pam, struct passwd **account)
{
	const int flags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
	int result = set_items(pam);

	if (result == PAM_SUCCESS)
		result = pam_authenticate(pam, flags);
	if (result == PAM_SUCCESS)
		result = pam_acct_mgmt(pam, flags);
	if (result == PAM_SUCCESS)
		result = find_account(pam, account);
	return result;
}

static int ask_pam(const char *service, const struct request *request,
	struct passwd **account)
{
	const struct pam_conv conversation = {
		converse, (void *)(uintptr_t)request->password };
	pam_handle_t *pam = NULL;
	int result = pam_start(service, request->login, &conversation, &pam);

	if (result != PAM_SUCCESS) {
		syslog(LOG_ERR, "pam_start(%s) failed with %d", service,
			result);
		return result;
	}
	result = check(pam, account);
	if (result != PAM_SUCCESS && !is_refusal(result))
		syslog(LOG_ERR, "PAM service %s: %s", service,
			pam_strerror(pam, result));
	pam_end(pam, result);
	return result;
}

/* Without root the only user we can become is the one we are. */
static bool become(const struct passwd *account)
{
	if (geteuid() != 0)
		return account->pw_uid == geteuid();
	return setgid(account->pw_gid) == 0 &&
		initgroups(account->pw_name, account->pw_gid) == 0 &&
		setuid(account->pw_uid) == 0 && setuid(0) != 0;
}

/* The interface promises the home directory; a mailbox may be elsewhere. */
static void enter_home(const struct passwd *account)
{
	if (chdir(account->pw_dir) != 0 && chdir("/") != 0)
		exit(EXIT_TEMPORARY);
}

static int run(const struct passwd *account, char *const argv[])
{
	if (account->pw_uid == 0)
		return EXIT_REFUSED;	/* no mail for root, ever */
	if (!become(account)) {
		syslog(LOG_ERR, "cannot become uid %lu",
			(unsigned long)account->pw_uid);
		return EXIT_TEMPORARY;
	}
	if (setenv("USER", account->pw_name, 1) != 0 ||
		setenv("HOME", account->pw_dir, 1) != 0 ||
		setenv("SHELL", account->pw_shell, 1) != 0)
		return EXIT_TEMPORARY;
	enter_home(account);
	execvp(argv[0], argv);
	syslog(LOG_ERR, "cannot run %s: %m", argv[0]);
	return EXIT_TEMPORARY;
}

int main(int argc, char *argv[])
{
	const char *service = "postern";
	struct passwd *account = NULL;
	struct request request;
	int option, result;

	openlog("postern-pam", LOG_PID, LOG_MAIL);
	/* '+': what follows the first word belongs to the program. */
	while ((option = getopt(argc, argv, "+s:")) != -1) {
		if (option != 's')
			return EXIT_MISUSED;
		service = optarg;
	}
	if (optind >= argc || !read_request(&request))
		return EXIT_MISUSED;
	result = ask_pam(service, &request, &account);
	explicit_bzero(&request, sizeof(request));
	if (result != PAM_SUCCESS)
		return is_refusal(result) ? EXIT_REFUSED : EXIT_TEMPORARY;
	return run(account, argv + optind);
}
