/* The file of --replicas. What is accepted is ascending, and complete. */

#include "app/replica_list.c" /* the program's sources are in no library */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int with_files = 0; with_files < 2; with_files++) {
        slk_replica_list_t list;
        slk_diag_t diag = {""};
        slk_err_t err =
            slk_replica_list_parse(&list, (const char *)data, size, "list", with_files, &diag);
        SLK_ASSERT((err == SLK_OK) == !diag.text[0]);
        if (err != SLK_OK)
            continue;
        SLK_ASSERT(list.cnt);
        for (size_t i = 0; i < list.cnt; i++) {
            SLK_ASSERT(!i || list.rows[i].sector > list.rows[i - 1].sector);
            SLK_ASSERT(!with_files || (*list.rows[i].cache && *list.rows[i].sealed));
        }
        slk_replica_list_fini(&list);
    }
    return 0;
}
