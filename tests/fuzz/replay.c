/* SPDX-License-Identifier: MIT */
/* replay.c: gives a fuzz target each file of the folders on the command line,
   once, so that inputs that ever mattered are tried by every test run and with
   any compiler. Also tries the empty input. Speaks TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The heap block is exactly as long as the file: a read beyond it is seen by
   the sanitizers. */
static int replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return -1;
    int rc = -1;
    uint8_t *data = NULL;
    if (fseek(file, 0, SEEK_END) != 0) goto end;
    long size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0) goto end;
    data = malloc(size > 0 ? (size_t)size : 1);
    if (data == NULL) goto end;
    if (fread(data, 1, (size_t)size, file) != (size_t)size) goto end;
    rc = LLVMFuzzerTestOneInput(data, (size_t)size);
end:
    free(data);
    (void)fclose(file);
    return rc;
}

static void report(int *count, int rc, const char *name) {
    *count += 1;
    printf("%sok %d - %s\n", rc == 0 ? "" : "not ", *count, name);
    (void)fflush(stdout);
}

/* Returns how many inputs failed. */
static int replay_folder(const char *folder, int *count) {
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        report(count, -1, folder);
        return 1;
    }
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        int rc = replay_file(path);
        if (rc != 0) failed++;
        report(count, rc, entry->d_name);
    }
    (void)closedir(dir);
    return failed;
}

int main(int argc, char **argv) {
    int count = 0;
    int failed = LLVMFuzzerTestOneInput((const uint8_t *)"", 0) != 0;
    report(&count, failed, "the empty input");
    for (int i = 1; i < argc; i++)
        failed += replay_folder(argv[i], &count);
    printf("1..%d\n", count);
    return failed == 0 ? 0 : 1;
}
