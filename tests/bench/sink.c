/* Reads answers and throws them away: N connections in one epoll loop.
 *
 *   sink [-s HOST] [-c AUTHORITY] PORT TARGET CONNECTIONS REQUESTS [HEADER...]
 *
 * With -s it speaks TLS to HOST, whose certificate it checks against SSL_CERT_FILE, and resumes
 * no session; then a TARGET of "-" asks for nothing, and a connection ends after the handshake.
 * With -c it asks for a tunnel by CONNECT first. Tunnel and handshake block.
 *
 * Each connection asks REQUESTS times, with a new connection each time; 0 asks until the
 * program is ended. It prints one line an answer, times in nanoseconds since it asked
 * (before `connect`):
 *
 *   STATUS FIRST_BODY_BYTE_NS LAST_BODY_BYTE_NS BODY_BYTES WHOLE(0|1)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#endif

/* With -DDROP the kernel drops what is asked for, and nothing is copied. */
#ifdef DROP
enum { FLAGS = MSG_TRUNC, PIECE = 1 << 20 };
#else
enum { FLAGS = 0, PIECE = 1 << 18 };
#endif
enum { HEAD = 16384, BUFFER = 256 };
enum state { IN_HEAD, COUNTED, CHUNK_HEAD, CHUNK, CHUNK_END, DONE };

struct connection {
    int fd, left, status, held;
    enum state state;
    long long begun, first, wanted, body;
    char head[HEAD + 1];
#ifdef TLS
    SSL *tls;
#endif
};

static char request[HEAD], buffer[PIECE];
static int poller, port, endless;
static const char *host, *authority;
#ifdef TLS
static SSL_CTX *context;
#endif

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void say(int fd, const char *what, size_t size) {
    if (write(fd, what, size) != (ssize_t)size) fail("write");
}

static void tunnel(int fd) {
    char head[HEAD];
    int held = snprintf(head, HEAD, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority, authority);
    say(fd, head, held);
    for (held = 0; held < 4 || memcmp(head + held - 4, "\r\n\r\n", 4); held++)
        if (held == HEAD || read(fd, head + held, 1) != 1) exit(5);
    if (atoi(memchr(head, ' ', held) + 1) != 200) exit(5);
}

#ifdef TLS
static void shake_hands(struct connection *c) {
    c->tls = SSL_new(context);
    SSL_set_fd(c->tls, c->fd);
    SSL_set_tlsext_host_name(c->tls, host);
    SSL_set1_host(c->tls, host);
    if (SSL_connect(c->tls) != 1) {
        ERR_print_errors_fp(stderr);
        exit(6);
    }
}
#endif

static void dial(struct connection *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0) fail("socket");
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
    if (authority) tunnel(c->fd);
#ifdef TLS
    if (host) shake_hands(c);
#endif
}

static void hang_up(struct connection *c) {
#ifdef TLS
    if (c->tls) SSL_free(c->tls), c->tls = NULL;
#endif
    close(c->fd);
    c->fd = -1;
}

static void ask(struct connection *c) {
    c->begun = now();
    c->first = c->body = c->held = c->status = 0;
    c->state = IN_HEAD;
    dial(c);
#ifdef TLS
    if (c->tls) {
        if (SSL_write(c->tls, request, strlen(request)) <= 0) fail("SSL_write");
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
    } else
#endif
    say(c->fd, request, strlen(request));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
}

/* Reads the head, and says where the body begins; 0 when the head is not whole yet. */
static int read_head(struct connection *c) {
    c->head[c->held] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) {
        if (c->held == HEAD) exit(3);
        return 0;
    }
    c->status = atoi(strchr(c->head, ' ') + 1);
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    char *chunked = strcasestr(c->head, "\r\ntransfer-encoding: chunked");
    c->wanted = length && length < end ? atoll(length + 17) : -1;
    c->state = chunked && chunked < end ? CHUNK_HEAD : COUNTED;
    if (c->state == COUNTED && c->wanted == 0) c->state = DONE;
    return (int)(end + 4 - c->head);
}

/* Takes some bytes of the body. A chunk's head is gathered in `head`. */
static void take(struct connection *c, const char *at, long long size) {
    if (size && !c->first) c->first = now();
    while (size > 0 && c->state != DONE) {
        if (c->state == COUNTED) {
            c->body += size;
            if (c->body == c->wanted) c->state = DONE;
            return;
        }
        if (c->state == CHUNK) {
            long long part = size < c->wanted ? size : c->wanted;
            c->body += part, c->wanted -= part, at += part, size -= part;
            if (!c->wanted) c->state = CHUNK_END, c->held = 0;
            continue;
        }
        c->head[c->held++] = *at++, size--;
        if (c->head[c->held - 1] != '\n' || c->held > 64) {
            if (c->held > 64) exit(4);
            continue;
        }
        c->head[c->held] = 0, c->held = 0;
        if (c->state == CHUNK_END) {
            c->state = c->wanted < 0 ? DONE : CHUNK_HEAD;
        } else {
            c->wanted = strtoll(c->head, NULL, 16);
            c->state = CHUNK;
            if (!c->wanted) c->state = CHUNK_END, c->wanted = -1;
        }
    }
}

enum { NOT_NOW = -1, FAILED = -2 };

/* As `recv`; NOT_NOW when no record is whole yet. */
static ssize_t receive(struct connection *c, char *to, size_t size, int flags) {
#ifdef TLS
    if (c->tls) {
        ERR_clear_error();
        int got = SSL_read(c->tls, to, size);
        if (got > 0) return got;
        int error = SSL_get_error(c->tls, got);
        if (error == SSL_ERROR_ZERO_RETURN) return 0;
        return error == SSL_ERROR_WANT_READ ? NOT_NOW : FAILED;
    }
#endif
    ssize_t got = recv(c->fd, to, size, flags);
    return got < 0 ? FAILED : got;
}

static void readable(struct connection *c) {
    ssize_t got;
#ifdef TLS
again:
#endif
    if (c->state == IN_HEAD) {
        got = receive(c, c->head + c->held, HEAD - c->held, 0);
        if (got > 0) {
            c->held += got;
            int body = read_head(c), all = c->held;
            if (body) {
                memcpy(buffer, c->head + body, all - body);
                c->held = 0;
                take(c, buffer, all - body);
            }
        }
    } else {
        int body = c->state == COUNTED || c->state == CHUNK;
        long long most = body && c->wanted >= 0 ? c->wanted - (c->state == COUNTED ? c->body : 0)
                                                : body ? PIECE : BUFFER;
        if (body && most > PIECE) most = PIECE;
        got = receive(c, buffer, most, body ? FLAGS : 0);
        if (got > 0) take(c, buffer, got);
    }
    if (got == NOT_NOW) return;
    if (got > 0 && c->state != DONE) {
#ifdef TLS
        if (c->tls && SSL_has_pending(c->tls)) goto again; /* of this epoll does not know */
#endif
        return;
    }
    int whole = c->state == DONE || (got == 0 && c->state == COUNTED && c->wanted < 0);
    long long end = now();
    printf("%d %lld %lld %lld %d\n", c->status, c->first ? c->first - c->begun : 0,
           end - c->begun, c->body, whole);
    hang_up(c);
    if (endless || --c->left > 0) ask(c);
}

#ifdef TLS
/* Handshakes alone, one after the other; each waits until the server has closed. */
static void greet(int times) {
    struct connection c = {0};
    while (times-- > 0) {
        long long begun = now();
        dial(&c);
        long long end = now();
        SSL_shutdown(c.tls);
        while (read(c.fd, buffer, PIECE) > 0);
        hang_up(&c);
        printf("200 0 %lld 0 1\n", end - begun);
    }
}

static void prepare(void) {
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_default_verify_paths(context);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, PIECE);
}
#endif

int main(int count, char **words) {
    for (int option; (option = getopt(count, words, "+s:c:")) > 0;) {
        if (option == 's') host = optarg;
        else if (option == 'c') authority = optarg;
        else return 2;
    }
    words += optind - 1, count -= optind - 1;
    if (count < 5) return 2;
    port = atoi(words[1]);
    int connections = atoi(words[3]), requests = atoi(words[4]);
    endless = requests == 0;
#ifdef TLS
    if (host) prepare();
    if (host && !strcmp(words[2], "-")) return greet(connections * requests), 0;
#endif
    int at = snprintf(request, HEAD, "GET %s HTTP/1.1\r\nHost: %s\r\n"
                      "Connection: close\r\n", words[2], host ? host : "127.0.0.1");
    for (int i = 5; i < count; i++) at += snprintf(request + at, HEAD - at, "%s\r\n", words[i]);
    snprintf(request + at, HEAD - at, "\r\n");
    poller = epoll_create1(0);
    struct connection *all = calloc(connections, sizeof *all);
    for (int i = 0; i < connections; i++) {
        all[i].left = requests;
        ask(&all[i]);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (;;) {
        int open = 0;
        for (int i = 0; i < connections; i++) open |= all[i].fd >= 0;
        if (!open) return 0;
        struct epoll_event events[64];
        int ready = epoll_wait(poller, events, 64, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) readable(events[i].data.ptr);
    }
}
