/*
 * A disk that forgets: what a program wrote below a folder and did not sync is lost when it is killed. Loaded with
 * LD_PRELOAD; keeps a shadow of the folder that holds only what fsync, fdatasync and O_DSYNC have made durable.
 *
 *   WADI_DATA     the folder, absolute, without symbolic links
 *   WADI_SHADOW   the shadow: tree/ as the folder would be found after a power cut, ino/ the durable bytes of each
 *                 file by its inode number; the names in tree/ are hard links to them; nameless/ folders that were
 *                 synced and whose names were not. Made by test/crash/power-cut.ts
 *
 * The model is the strict one of POSIX: bytes of a file are durable when the file was synced, its name when the folder
 * that holds the name was synced, and so is the end of a name. Nothing becomes durable by itself. Writes through
 * memory maps are not seen: SQLite maps only its -shm file, which it makes anew after a crash.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FDS 65536
#define MAX_FILES 65536
/* Paths here are those of a test's own folder: short. */
#define PATH_BYTES 1024

enum kind { ELSEWHERE, A_FILE, A_FOLDER };

static char data[PATH_BYTES], shadow[PATH_BYTES];
static size_t data_length;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct { enum kind kind; int dsync; ino_t ino; } fds[MAX_FDS];

struct range { off_t start, end; struct range *next; };
/* Bytes written and not synced, by inode. */
static struct { ino_t ino; struct range *dirty; } files[MAX_FILES];

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

static void die(const char *what) {
  dprintf(2, "unsynced.c: %s: %s\n", what, strerror(errno));
  abort();
}

static void resolve(void) {
  real_open = dlsym(RTLD_NEXT, "open64");
  real_openat = dlsym(RTLD_NEXT, "openat64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwritev = dlsym(RTLD_NEXT, "pwritev64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
}

__attribute__((constructor)) static void begin(void) {
  resolve();
  const char *folder = getenv("WADI_DATA"), *copy = getenv("WADI_SHADOW");
  if (folder == NULL || copy == NULL || strlen(folder) >= PATH_BYTES / 2 || strlen(copy) >= PATH_BYTES / 2) {
    errno = EINVAL;
    die("WADI_DATA and WADI_SHADOW");
  }
  strcpy(data, folder);
  strcpy(shadow, copy);
  data_length = strlen(data);
}

static void store_path(char *path, ino_t ino) { snprintf(path, PATH_BYTES, "%.900s/ino/%lu", shadow, (unsigned long)ino); }

static size_t slot_of(ino_t ino) {
  size_t slot = (size_t)ino % MAX_FILES;
  for (size_t tries = 0; tries < MAX_FILES; tries++, slot = (slot + 1) % MAX_FILES)
    if (files[slot].ino == ino || files[slot].ino == 0) {
      files[slot].ino = ino;
      return slot;
    }
  errno = ENOSPC;
  die("too many files");
  return 0;
}

static void forget_ranges(ino_t ino) {
  size_t slot = slot_of(ino);
  while (files[slot].dirty != NULL) {
    struct range *next = files[slot].dirty->next;
    free(files[slot].dirty);
    files[slot].dirty = next;
  }
}

static void add_range(ino_t ino, off_t start, off_t end) {
  size_t slot = slot_of(ino);
  struct range *last = files[slot].dirty;
  if (last != NULL && start <= last->end && end >= last->start) {
    if (start < last->start) last->start = start;
    if (end > last->end) last->end = end;
    return;
  }
  struct range *range = malloc(sizeof *range);
  if (range == NULL) die("malloc");
  *range = (struct range){start, end, last};
  files[slot].dirty = range;
}

/* Through the descriptor itself where it can be read: to close another one of the file would drop SQLite's locks. */
static void copy_range(int fd, int out, off_t start, off_t end) {
  static char buffer[1 << 16];
  int in = fd;
  if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    in = real_open(link, O_RDONLY | O_CLOEXEC);
    if (in < 0) die("open again");
  }
  for (off_t at = start; at < end;) {
    size_t want = (size_t)(end - at) < sizeof buffer ? (size_t)(end - at) : sizeof buffer;
    ssize_t got = pread(in, buffer, want, at);
    if (got < 0) die("pread");
    if (got == 0) break;
    if (real_pwrite(out, buffer, (size_t)got, at) != got) die("pwrite to the shadow");
    at += got;
  }
  if (in != fd) real_close(in);
}

static int open_store(ino_t ino) {
  char path[PATH_BYTES];
  store_path(path, ino);
  int out = real_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (out < 0) die(path);
  return out;
}

static void file_synced(int fd, ino_t ino) {
  struct stat now;
  if (fstat(fd, &now) != 0) die("fstat");
  int out = open_store(ino);
  for (struct range *range = files[slot_of(ino)].dirty; range != NULL; range = range->next) copy_range(fd, out, range->start, range->end);
  if (ftruncate(out, now.st_size) != 0) die("ftruncate of the shadow");
  real_close(out);
  forget_ranges(ino);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw) {
  (void)info, (void)type, (void)ftw;
  return remove(path);
}

/* The names below the folder are durable now, and those that are gone are gone. */
static void folder_synced(int fd) {
  char link[64], folder[PATH_BYTES], copy[2 * PATH_BYTES], from[2 * PATH_BYTES], name[3 * PATH_BYTES];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, folder, sizeof folder - 1);
  if (length < 0) die("readlink");
  folder[length] = 0;
  struct stat info;
  if (stat(folder, &info) != 0) return; /* removed meanwhile */
  snprintf(copy, sizeof copy, "%s/tree%s", shadow, folder + data_length);
  /* A folder whose own name is not durable yet has no place in the tree; it gets one with its name. */
  if (stat(copy, &info) != 0) {
    if (fstat(fd, &info) != 0) die("fstat");
    snprintf(copy, sizeof copy, "%.900s/nameless/%lu", shadow, (unsigned long)info.st_ino);
    if (mkdir(copy, 0755) != 0 && errno != EEXIST) die(copy);
  }
  DIR *entries = opendir(folder);
  if (entries == NULL) die(folder);
  for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    struct stat there;
    if (fstatat(dirfd(entries), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    snprintf(name, sizeof name, "%s/%s", copy, entry->d_name);
    if (S_ISDIR(info.st_mode)) {
      snprintf(from, sizeof from, "%.900s/nameless/%lu", shadow, (unsigned long)info.st_ino);
      int is_there = stat(name, &there) == 0;
      if (stat(from, &there) == 0) {
        /* What a sync of its parent made of it, which does not see into it, gives way to what its own sync made. */
        if (is_there) nftw(name, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (rename(from, name) != 0) die(name);
      } else if (!is_there && mkdir(name, 0755) != 0) {
        die(name);
      }
    } else if (S_ISREG(info.st_mode)) {
      struct stat stored;
      store_path(from, info.st_ino);
      int out = open_store(info.st_ino);
      if (fstat(out, &stored) != 0) die(from);
      real_close(out);
      if (lstat(name, &there) == 0) {
        if (there.st_ino == stored.st_ino) continue;
        if (unlink(name) != 0) die(name);
      }
      if (linkat(AT_FDCWD, from, AT_FDCWD, name, 0) != 0) die(name);
    }
  }
  closedir(entries);
  entries = opendir(copy);
  if (entries == NULL) die(copy);
  for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0) continue;
    snprintf(name, sizeof name, "%s/%s", copy, entry->d_name);
    nftw(name, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  }
  closedir(entries);
}

static void opened(int fd, int flags, int is_new) {
  if (fd < 0 || fd >= MAX_FDS) return;
  struct stat info;
  char link[64], path[PATH_BYTES];
  fds[fd].kind = ELSEWHERE;
  if (fstat(fd, &info) != 0 || !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return;
  path[length] = 0;
  if (strncmp(path, data, data_length) != 0 || (path[data_length] != '/' && path[data_length] != 0)) return;
  pthread_mutex_lock(&lock);
  fds[fd].kind = S_ISDIR(info.st_mode) ? A_FOLDER : A_FILE;
  fds[fd].ino = info.st_ino;
  fds[fd].dsync = (flags & O_DSYNC) != 0; /* O_SYNC includes it */
  if (is_new && fds[fd].kind == A_FILE) {
    /* The number may have been another file's; a name of that one in the tree keeps its bytes. */
    char store[PATH_BYTES];
    store_path(store, info.st_ino);
    if (unlink(store) != 0 && errno != ENOENT) die(store);
    forget_ranges(info.st_ino);
  }
  pthread_mutex_unlock(&lock);
}

/* What the descriptor is; one may be closed and used again without our seeing it. */
static enum kind kind_of(int fd) {
  struct stat info;
  if (fd < 0 || fd >= MAX_FDS || fds[fd].kind == ELSEWHERE) return ELSEWHERE;
  if (fstat(fd, &info) != 0 || info.st_ino != fds[fd].ino || !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) fds[fd].kind = ELSEWHERE;
  return fds[fd].kind;
}

static void wrote(int fd, off_t start, ssize_t count) {
  if (count <= 0 || kind_of(fd) != A_FILE) return;
  pthread_mutex_lock(&lock);
  if (fds[fd].dsync) {
    int out = open_store(fds[fd].ino);
    copy_range(fd, out, start, start + count);
    real_close(out);
  } else {
    add_range(fds[fd].ino, start, start + count);
  }
  pthread_mutex_unlock(&lock);
}

static void synced(int fd) {
  if (kind_of(fd) == ELSEWHERE) return;
  pthread_mutex_lock(&lock);
  if (fds[fd].kind == A_FILE) file_synced(fd, fds[fd].ino);
  else folder_synced(fd);
  pthread_mutex_unlock(&lock);
}

static int opening(int folder, const char *path, int flags, mode_t mode) {
  if (real_openat == NULL) resolve();
  struct stat info;
  int is_new = (flags & O_CREAT) != 0 && fstatat(folder, path, &info, 0) != 0;
  int fd = real_openat(folder, path, flags, mode);
  int error = errno;
  opened(fd, flags, is_new);
  errno = error;
  return fd;
}

#define MODE_OF(flags, mode)                      \
  mode_t mode = 0;                                \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {        \
    va_list more;                                 \
    va_start(more, flags);                        \
    mode = va_arg(more, mode_t);                  \
    va_end(more);                                 \
  }

int open(const char *path, int flags, ...) { MODE_OF(flags, mode) return opening(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags, mode) return opening(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE_OF(flags, mode) return opening(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE_OF(flags, mode) return opening(folder, path, flags | O_LARGEFILE, mode); }
int __open_2(const char *path, int flags) { return opening(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opening(AT_FDCWD, path, flags | O_LARGEFILE, 0); }

int close(int fd) {
  if (real_close == NULL) resolve();
  if (fd >= 0 && fd < MAX_FDS) fds[fd].kind = ELSEWHERE;
  return real_close(fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  ssize_t done = real_pwrite(fd, bytes, count, at);
  wrote(fd, at, done);
  return done;
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { return pwrite(fd, bytes, count, at); }

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  ssize_t done = real_pwritev(fd, parts, count, at);
  wrote(fd, at, done);
  return done;
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return pwritev(fd, parts, count, at); }

ssize_t write(int fd, const void *bytes, size_t count) {
  if (real_write == NULL) resolve();
  ssize_t done = real_write(fd, bytes, count);
  if (done > 0 && kind_of(fd) == A_FILE) wrote(fd, lseek(fd, 0, SEEK_CUR) - done, done);
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (real_writev == NULL) resolve();
  ssize_t done = real_writev(fd, parts, count);
  if (done > 0 && kind_of(fd) == A_FILE) wrote(fd, lseek(fd, 0, SEEK_CUR) - done, done);
  return done;
}

int fsync(int fd) {
  int result = real_fsync(fd);
  if (result == 0) synced(fd);
  return result;
}

int fdatasync(int fd) {
  int result = real_fdatasync(fd);
  if (result == 0) synced(fd);
  return result;
}
