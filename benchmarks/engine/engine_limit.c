/*
 * The limit: the dialogue of our probes and nothing else, in C on epoll and OpenSSL. What it costs is what the kernel
 * and OpenSSL cost.
 *
 *   engine_limit CA_FILE SERVER_NAME USER PASSWORD [frugal]
 *
 * OpenSSL as it comes; frugal: it gives its buffers back between records, as Python has it do.
 *
 * Reads lines from standard input and answers each with one:
 *   run <imap|pop3> <plain|tls> PORT CHECKS AT_ONCE    ->  ok
 *   hold <imap|pop3> <plain|tls> PORT CHECKS           ->  KiB of memory a check, all of them waiting for their login;
 *                                                           then it ends
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 2048, EVENTS = 256 };
enum step { SHAKING, GREETING, CAPABILITY, LOGIN, MAILBOX, LOGOUT };

struct check {
    int fd;
    SSL *ssl;
    enum step step;
    unsigned used, listing;
    char exists;
    char *buffer;
};

static const char *const imap_commands[] = {
    [CAPABILITY] = "A1 CAPABILITY\r\n", [LOGIN] = NULL, [MAILBOX] = "A3 EXAMINE INBOX\r\n", [LOGOUT] = "A4 LOGOUT\r\n"};
static const char *const pop3_commands[] = {
    [CAPABILITY] = "CAPA\r\n", [LOGIN] = NULL, [MAILBOX] = "STAT\r\n", [LOGOUT] = "QUIT\r\n"};
static const char *const imap_replies[] = {
    [GREETING] = "* OK", [CAPABILITY] = "A1 OK", [LOGIN] = "A2 OK", [MAILBOX] = "A3 OK", [LOGOUT] = "A4 OK"};

static SSL_CTX *context;
static const char *server_name;
static char imap_login[512], pop3_login[512];
static int poller, is_pop3, is_tls, port;
static int to_begin, under_way, logging_in, holding;

static void begin(void);

static void die(const char *what) {
    fprintf(stderr, "engine_limit: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void prepare_login(const char *user, const char *password) {
    unsigned char raw[256], encoded[384];
    int size = 0;
    raw[size++] = '\0';
    size += sprintf((char *)raw + size, "%s", user);
    raw[size++] = '\0';
    size += sprintf((char *)raw + size, "%s", password);
    EVP_EncodeBlock(encoded, raw, size);
    snprintf(imap_login, sizeof imap_login, "A2 AUTHENTICATE PLAIN %s\r\n", encoded);
    snprintf(pop3_login, sizeof pop3_login, "AUTH PLAIN %s\r\n", encoded);
}

static void begin(void) {
    struct check *c = calloc(1, sizeof *c);
    c->buffer = malloc(BUFFER);
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    if (connect(c->fd, (void *)&there, sizeof there) && errno != EINPROGRESS) die("connect");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->step = GREETING;
    if (is_tls) {
        c->ssl = SSL_new(context);
        SSL_set_fd(c->ssl, c->fd);
        SSL_set_tlsext_host_name(c->ssl, server_name);
        SSL_set1_host(c->ssl, server_name);
        SSL_set_connect_state(c->ssl);
        c->step = SHAKING;
    }
    struct epoll_event event = {.events = EPOLLIN | (is_tls ? EPOLLOUT | EPOLLET : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    to_begin--;
    under_way++;
}

static void end(struct check *c) {
    if (c->ssl) SSL_free(c->ssl);
    close(c->fd);
    free(c->buffer);
    free(c);
    under_way--;
    if (to_begin) begin();
}

static void say_next(struct check *c) {
    const char *words;
    c->step++;
    words = c->step == LOGIN ? (is_pop3 ? pop3_login : imap_login) : (is_pop3 ? pop3_commands : imap_commands)[c->step];
    int size = (int)strlen(words);
    if ((c->ssl ? SSL_write(c->ssl, words, size) : write(c->fd, words, (size_t)size)) != size) die("write");
    c->listing = is_pop3 && c->step == CAPABILITY;
    if (c->step != LOGIN) return;
    logging_in++;
    if (holding && to_begin) begin();
}

/* Whether this line completes the reply; anything but success ends the benchmark. */
static int completes(struct check *c, const char *line) {
    if (!is_pop3) {
        const char *expected = imap_replies[c->step];
        if (line[0] == '*' && c->step != GREETING) {
            if (c->step == MAILBOX && strstr(line, " EXISTS")) c->exists = 1;
            return 0;
        }
        if (strncmp(line, expected, strlen(expected))) die(line);
        if (c->step == MAILBOX && !c->exists) die("no EXISTS");
        return 1;
    }
    if (c->listing == 2) return !strcmp(line, ".");
    if (strncmp(line, "+OK", 3)) die(line);
    if (c->listing) {
        c->listing = 2;
        return 0;
    }
    return 1;
}

/* 0 where the check is over. */
static int take_lines(struct check *c) {
    char *line = c->buffer, *stop = c->buffer + c->used, *feed;
    while ((feed = memchr(line, '\n', (size_t)(stop - line)))) {
        *feed = '\0';
        if (feed > line && feed[-1] == '\r') feed[-1] = '\0';
        if (completes(c, line)) {
            if (c->step == LOGIN) logging_in--;
            if (c->step == LOGOUT) return 0;
            say_next(c);
        }
        line = feed + 1;
    }
    c->used = (unsigned)(stop - line);
    memmove(c->buffer, line, c->used);
    return 1;
}

static void go_on(struct check *c) {
    if (c->step == SHAKING) {
        int done = SSL_connect(c->ssl);
        if (done != 1) {
            if (SSL_get_error(c->ssl, done) != SSL_ERROR_WANT_READ && SSL_get_error(c->ssl, done) != SSL_ERROR_WANT_WRITE)
                die("handshake");
            return;
        }
        c->step = GREETING;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
    }
    do {
        int room = BUFFER - (int)c->used;
        ssize_t size = c->ssl ? SSL_read(c->ssl, c->buffer + c->used, room) : read(c->fd, c->buffer + c->used, (size_t)room);
        if (size <= 0) {
            if (c->ssl ? SSL_get_error(c->ssl, (int)size) == SSL_ERROR_WANT_READ : size < 0 && errno == EAGAIN) return;
            die("hung up");
        }
        c->used += (unsigned)size;
        if (!take_lines(c)) {
            end(c);
            return;
        }
    } while (c->ssl && SSL_has_pending(c->ssl));
}

static void play(int checks, int at_once) {
    struct epoll_event events[EVENTS];
    to_begin = checks;
    while (to_begin && under_way < at_once) begin();
    while (under_way && !(holding && logging_in == checks)) {
        int ready = epoll_wait(poller, events, EVENTS, 60000);
        if (ready <= 0) die("no answer within a minute");
        for (int i = 0; i < ready; i++) go_on(events[i].data.ptr);
    }
}

static long resident_kib(void) {
    long total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &total, &resident) != 2) die("statm");
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int count, char **words) {
    if (count < 5) return 2;
    signal(SIGPIPE, SIG_IGN);
    server_name = words[2];
    prepare_login(words[3], words[4]);
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (count > 5) SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_verify_paths(context);
    if (SSL_CTX_load_verify_locations(context, words[1], NULL) != 1) die(words[1]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    char line[256], verb[8], protocol[8], mode[8];
    while (fgets(line, sizeof line, stdin)) {
        int checks, at_once = 0;
        if (sscanf(line, "%7s %7s %7s %d %d %d", verb, protocol, mode, &port, &checks, &at_once) < 5) return 2;
        is_pop3 = !strcmp(protocol, "pop3");
        is_tls = !strcmp(mode, "tls");
        if (!strcmp(verb, "run")) {
            play(checks, at_once);
            printf("ok\n");
        } else {
            /* As many on their way to the login as no backlog drops; in the end all of them wait for it. */
            long before = resident_kib();
            holding = 1;
            play(checks, checks < 256 ? checks : 256);
            printf("%.2f\n", (double)(resident_kib() - before) / checks);
            return 0;
        }
        fflush(stdout);
    }
    return 0;
}
