#include "app/cmd_inputs.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "selkie/r1cs.h"
#include "selkie/vanilla.h"

#include <stdlib.h>

typedef struct {
    slk_porep_t porep;
    slk_node_t replica_id, comm_d, comm_r, seed;
} inputs_t;

static slk_err_t partition_json(json_t *list, const inputs_t *in, const slk_graph_t *graph,
                                uint32_t k, slk_diag_t *diag)
{
    size_t cnt = slk_porep_input_cnt(&in->porep);
    slk_node_t *inputs = calloc(cnt, sizeof *inputs);
    uint64_t *challenges = calloc(in->porep.challenges, sizeof *challenges);
    slk_err_t err = SLK_OK;
    if (!inputs || !challenges) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for %zu public inputs", cnt);
        goto out;
    }
    slk_challenges(challenges, &in->porep, &in->replica_id, &in->comm_r, &in->seed, k);
    slk_porep_inputs(inputs, &in->porep, graph, &in->replica_id, &in->comm_d, &in->comm_r,
                     challenges);
    json_t *partition = json_array();
    for (size_t i = 0; i < cnt; i++)
        json_array_append_new(partition, json_string(slk_node_hex(&inputs[i]).s));
    json_array_append_new(list, partition);
out:
    free(inputs);
    free(challenges);
    return err;
}

static slk_err_t check_node(const slk_node_t *node, const char *name, slk_diag_t *diag)
{
    if (slk_node_is_canonical(node))
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_FIELD,
                    "--%s %s: not below the modulus of the field, so it is the commitment of no "
                    "sector; is it complete and in the byte order of the files?",
                    name, slk_node_hex(node).s);
}

slk_err_t slk_run_seal_inputs(slk_app_t *app, const slk_args_t *args)
{
    slk_err_t err;
    slk_graph_t *graph = NULL;
    json_t *list = json_array();
    inputs_t in = {.comm_d = args->opt[SLK_OPT_COMM_D].node,
                   .comm_r = args->opt[SLK_OPT_COMM_R].node,
                   .seed = args->opt[SLK_OPT_SEED].node};
    SLK_TRY(check_node(&in.comm_d, "comm-d", &app->diag));
    SLK_TRY(check_node(&in.comm_r, "comm-r", &app->diag));
    SLK_TRY(slk_porep_registered(&in.porep, args->opt[SLK_OPT_SIZE].size,
                                 args->opt[SLK_OPT_POREP].text, &app->diag));
    slk_replica_id(&in.replica_id, &in.porep, args->opt[SLK_OPT_MINER].num,
                   args->opt[SLK_OPT_SECTOR].num, &args->opt[SLK_OPT_TICKET].node, &in.comm_d);
    SLK_TRY(slk_graph_new(&graph, &in.porep, &app->diag));
    for (uint32_t k = 0; k < in.porep.partitions; k++)
        SLK_TRY(partition_json(list, &in, graph, k, &app->diag));
    slk_result_json(app, "public_inputs_le", json_incref(list));
out:
    slk_graph_free(graph);
    json_decref(list);
    return err;
}
