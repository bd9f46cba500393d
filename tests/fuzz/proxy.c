/*
 * proxy.c - fuzz target: headers of proxies, in pieces of any size
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proxy.h"

static void check_end(const struct sockaddr_storage *end, bool is_local)
{
	FUZZ_CHECK(is_local || end->ss_family == AF_INET ||
		end->ss_family == AF_INET6);
}

static void check_header(const struct proxy *proxy)
{
	struct proxy_header header;
	const char *why = proxy_parse(proxy, &header);

	if (why != NULL)
		return;
	check_end(&header.source, header.is_local);
	check_end(&header.destination, header.is_local);
	FUZZ_CHECK(strlen(header.tls_version) < sizeof(header.tls_version));
	FUZZ_CHECK(strlen(header.cipher) < sizeof(header.cipher));
	FUZZ_CHECK(strlen(header.client_name) < sizeof(header.client_name));
}

/* The first octet says how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	static struct proxy proxy;
	size_t piece = count > 0 ? octets[0] + 1u : 1, done = 1;
	enum proxy_event event = PROXY_MORE;

	memset(&proxy, 0, sizeof(proxy));
	while (done < count && event == PROXY_MORE) {
		size_t left = count - done < piece ? count - done : piece;
		size_t taken = 0;

		event = proxy_take(&proxy, octets + done, left, &taken);
		FUZZ_CHECK(taken > 0 && taken <= left);
		FUZZ_CHECK(event != PROXY_MORE || taken == left);
		done += taken;
		FUZZ_CHECK(proxy.count == done - 1);
		FUZZ_CHECK(proxy.count <= PROXY_MOST_OCTETS);
	}
	if (event == PROXY_COMPLETE)
		check_header(&proxy);
	return 0;
}
