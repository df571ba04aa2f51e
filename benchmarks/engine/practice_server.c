/*
 * A mail server for benchmarks: IMAP and POP3, plain and TLS, one process, epoll. Accepts any password.
 *
 *   practice_server CERTIFICATE KEY HOLD_SECONDS AWAKE_SECONDS
 *
 * Listens on eight ports of 127.0.0.1 that it chooses and prints as one line: imap.plain=PORT imap.tls=... The
 * ports called .slow answer every login of theirs once HOLD_SECONDS have passed since the newest of them, so that any
 * number of checks can be had in flight at the same time. Ends when its standard input does.
 *
 * It goes on looking for AWAKE_SECONDS after it last heard something. Whoever writes to a server that sleeps pays for
 * waking it, an interrupt from core to core at each command; a client so fast that it never sleeps pays nothing. No
 * client of a server on another machine does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LISTENERS = 8, MOST_FDS = 65536, MOST_LINE = 1024, EVENTS = 256 };

struct connection {
    SSL *ssl; /* NULL in clear */
    char *line;
    unsigned used;
    char pop3, slow, shaking, open, is_listener, tls, waits;
    char held_tag[16];
};

static struct connection connections[MOST_FDS];
static int poller;
static SSL_CTX *context;
static int any_waits;
static double newest_held_at, hold_seconds, awake_seconds, awake_until;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what) {
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void hang_up(int fd) {
    struct connection *c = &connections[fd];
    if (!c->open) return;
    if (c->ssl) SSL_free(c->ssl);
    free(c->line);
    memset(c, 0, sizeof *c);
    close(fd);
}

static void say(int fd, const char *words) {
    struct connection *c = &connections[fd];
    int size = (int)strlen(words);
    ssize_t written = c->ssl ? SSL_write(c->ssl, words, size) : write(fd, words, (size_t)size);
    if (written != size) hang_up(fd);
}

static void greet(int fd) {
    say(fd, connections[fd].pop3 ? "+OK practice server ready.\r\n" : "* OK IMAP4rev1 practice server ready.\r\n");
}

static void say_tagged(int fd, const char *format, const char *tag) {
    char words[512];
    snprintf(words, sizeof words, format, tag);
    say(fd, words);
}

static void accept_login(int fd, const char *tag) {
    if (connections[fd].pop3) say(fd, "+OK Logged in.\r\n");
    else say_tagged(fd, "%s OK Logged in\r\n", tag);
}

static void log_in(int fd, const char *tag) {
    struct connection *c = &connections[fd];
    if (!c->slow) {
        accept_login(fd, tag);
        return;
    }
    snprintf(c->held_tag, sizeof c->held_tag, "%s", tag);
    c->waits = any_waits = 1;
    newest_held_at = now();
}

static void answer_held(void) {
    for (int fd = 0; fd < MOST_FDS; fd++) {
        struct connection *c = &connections[fd];
        if (!c->waits) continue; /* or it has hung up meanwhile */
        c->waits = 0;
        accept_login(fd, c->held_tag);
    }
    any_waits = 0;
}

static void imap_command(int fd, char *line) {
    char *rest = line, *tag = strsep(&rest, " "), *verb = rest ? strsep(&rest, " ") : "";
    if (!strcasecmp(verb, "CAPABILITY"))
        say_tagged(fd, "* CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE AUTH=PLAIN\r\n%s OK Capability done.\r\n", tag);
    else if (!strcasecmp(verb, "AUTHENTICATE") || !strcasecmp(verb, "LOGIN"))
        log_in(fd, tag);
    else if (!strcasecmp(verb, "EXAMINE"))
        say_tagged(fd,
                   "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"
                   "* OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n"
                   "* 3 EXISTS\r\n* 0 RECENT\r\n"
                   "* OK [UIDVALIDITY 1700000000] UIDs valid\r\n* OK [UIDNEXT 4] Predicted next UID\r\n"
                   "%s OK [READ-ONLY] Examine completed.\r\n", tag);
    else if (!strcasecmp(verb, "LOGOUT")) {
        say_tagged(fd, "* BYE Logging out\r\n%s OK Logout completed.\r\n", tag);
        hang_up(fd);
    } else
        say_tagged(fd, "%s BAD Unknown command.\r\n", tag);
}

static void pop3_command(int fd, char *line) {
    char *rest = line, *verb = strsep(&rest, " ");
    if (!strcasecmp(verb, "CAPA")) say(fd, "+OK\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nUSER\r\nSASL PLAIN\r\n.\r\n");
    else if (!strcasecmp(verb, "AUTH") || !strcasecmp(verb, "PASS")) log_in(fd, "");
    else if (!strcasecmp(verb, "USER")) say(fd, "+OK\r\n");
    else if (!strcasecmp(verb, "STAT")) say(fd, "+OK 3 1024\r\n");
    else if (!strcasecmp(verb, "QUIT")) {
        say(fd, "+OK Logging out.\r\n");
        hang_up(fd);
    } else
        say(fd, "-ERR Unknown command.\r\n");
}

static void take(int fd, const char *bytes, int size) {
    struct connection *c = &connections[fd];
    for (int i = 0; i < size && c->open; i++) {
        if (!c->line) c->line = malloc(MOST_LINE);
        if (bytes[i] != '\n') {
            if (c->used + 1 >= MOST_LINE) {
                hang_up(fd);
                return;
            }
            c->line[c->used++] = bytes[i];
            continue;
        }
        if (c->used && c->line[c->used - 1] == '\r') c->used--;
        c->line[c->used] = '\0';
        c->used = 0;
        if (c->pop3) pop3_command(fd, c->line);
        else imap_command(fd, c->line);
    }
}

static void hear(int fd) {
    struct connection *c = &connections[fd];
    char bytes[4096];
    if (c->shaking) {
        int done = SSL_accept(c->ssl);
        if (done != 1) {
            if (SSL_get_error(c->ssl, done) != SSL_ERROR_WANT_READ) {
                ERR_clear_error();
                hang_up(fd);
            }
            return;
        }
        c->shaking = 0;
        greet(fd);
    }
    while (c->open) {
        ssize_t size = c->ssl ? SSL_read(c->ssl, bytes, sizeof bytes) : read(fd, bytes, sizeof bytes);
        if (size <= 0) {
            int waiting = c->ssl ? SSL_get_error(c->ssl, (int)size) == SSL_ERROR_WANT_READ : size < 0 && errno == EAGAIN;
            if (!waiting) {
                ERR_clear_error();
                hang_up(fd);
            }
            return;
        }
        take(fd, bytes, (int)size);
    }
}

static void welcome(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (fd >= MOST_FDS) {
            close(fd);
            continue;
        }
        int one = 1; /* or the greeting would wait for the session tickets to be acknowledged */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct connection *c = &connections[fd];
        c->open = 1;
        c->pop3 = connections[listener].pop3;
        c->slow = connections[listener].slow;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        if (connections[listener].tls) {
            c->ssl = SSL_new(context);
            SSL_set_fd(c->ssl, fd);
            SSL_set_accept_state(c->ssl);
            c->shaking = 1;
        } else
            greet(fd);
    }
}

static int events_of(struct epoll_event *events) {
    int ready;
    do ready = epoll_wait(poller, events, EVENTS, 0);
    while (!ready && now() < awake_until);
    if (!ready) ready = epoll_wait(poller, events, EVENTS, any_waits ? 100 : -1);
    if (ready > 0 && awake_seconds > 0) awake_until = now() + awake_seconds;
    return ready;
}

static int listen_somewhere(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    if (fd < 0 || bind(fd, (void *)&here, size) || listen(fd, 4096) || getsockname(fd, (void *)&here, &size)) die("listen");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    connections[fd].is_listener = 1;
    printf("%d", ntohs(here.sin_port));
    return fd;
}

int main(int count, char **words) {
    if (count != 5) return 2;
    signal(SIGPIPE, SIG_IGN);
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(context, words[1]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, words[2], SSL_FILETYPE_PEM) != 1)
        die("certificate");
    hold_seconds = atof(words[3]);
    awake_seconds = atof(words[4]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < LISTENERS; i++) {
        int pop3 = i & 1, tls = (i >> 1) & 1, slow = (i >> 2) & 1;
        printf("%s%s.%s%s=", i ? " " : "", pop3 ? "pop3" : "imap", tls ? "tls" : "plain", slow ? ".slow" : "");
        struct connection *c = &connections[listen_somewhere()];
        c->pop3 = (char)pop3, c->tls = (char)tls, c->slow = (char)slow;
    }
    printf("\n");
    fflush(stdout);
    struct epoll_event parent = {.events = EPOLLIN, .data.fd = 0}, events[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &parent);
    for (;;) {
        int ready = events_of(events);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == 0) return 0;
            if (connections[fd].is_listener) welcome(fd);
            else if (connections[fd].open) hear(fd);
        }
        if (any_waits && now() - newest_held_at >= hold_seconds) answer_held();
    }
}
