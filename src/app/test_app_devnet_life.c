/* One sector of 2KiB by hand: from `selkie devnet run` and `selkie seal` to a proven sector with power, over the
 * node's API as any client uses it, and what the actors refuse on the way. `slow` makes the proofs, which takes the
 * parameters of FIL_PROOFS_PARAMETER_CACHE or makes some; without it the chain refuses a wrong one with the recorded
 * verifying keys, and a pre-commit runs out. */

#include "app/test_app_devnet_life.h"

#define SECTOR 7
#define NAME   "--size 2KiB --miner %" PRIu64 " --sector 7 --dir store "

#define PROOF_MAX 192

/* Methods of the miner actor and of f04. */
enum {
    CREATE_MINER = 2,
    SUBMIT_WINDOWED_POST = 5,
    RECOVERED = 11,
    PRE_COMMIT_BATCH2 = 28,
    PROVE_COMMIT3 = 34
};

/* --- Before the sector ----------------------------------------------------------------------------------------- */

static void make_miner(life_t *life)
{
    slk_api_address_t address;
    slk_api_bigint_t deposit;
    slk_msg_lookup_t found;
    CALL(life, WalletDefaultAddress, &life->arena, &address);
    life->owner = address.v;
    CALL(life, WalletNew, ((slk_bytes_t){(const uint8_t *)"bls", 3}), &life->arena, &address);
    life->worker = address.v;
    life_mine(life, 5);
    life_send(life,
              &(slk_message_t){.from = life->owner,
                               .to = life->worker,
                               .value = slk_bigint_mul(slk_bigint_u64(100), slk_bigint_u64(FIL))});

    const slk_create_miner_params_t params = {
        .owner = life->owner, .worker = life->worker, .window_post_proof_type = 10};
    slk_message_t message =
        life_message(life, CREATE_MINER, &slk_create_miner_params_type, &params);
    message.from = life->owner;
    message.to = slk_address_id(SLK_ID_POWER);
    CALL(life, StateMinerCreationDeposit, NULL, &life->arena, &deposit);
    message.value = deposit.v;
    found = life_send(life, &message);

    slk_create_miner_return_t made;
    slk_api_miner_info_t info;
    assert_ok(slk_record_decode(&made, &slk_create_miner_return_type, found.receipt.ret.b,
                                found.receipt.ret.len, &life->arena, &life->diag),
              life->diag);
    life->miner = made.id_address;
    assert_true(slk_address_to_id(&life->miner, &life->miner_id));
    CALL(life, StateMinerInfo, &life->miner, NULL, &life->arena, &info);
    assert_int_equal(info.sector_size, 2048);
    life_tell(life, "miner t0%" PRIu64 " with a deposit of %s attoFIL", life->miner_id,
              slk_bigint_text(&deposit.v).s);
    life_mine(life, 20);
}

/* Data, PC1 with a ticket of the chain, PC2. */
static void seal(life_t *life)
{
    uint8_t data[2032];
    life->info.sector_number = SECTOR;
    life->info.seal_rand_epoch = life_height(life) - 8;
    const slk_api_bytes_t ticket =
        life_ticket(life, SLK_TAG_SEAL, life->info.seal_rand_epoch, true);
    life_hex(life->ticket, &ticket);
    test_data(data, sizeof data, "life of a sector");
    write_bytes("data", data, sizeof data);
    sh("\"$S\" seal add-piece " NAME "--quiet data >/dev/null && "
       "\"$S\" seal pc1 " NAME "--ticket %s --quiet >/dev/null && "
       "\"$S\" seal pc2 " NAME "--json",
       life->miner_id, life->miner_id, life->ticket, life->miner_id);
    assert_status(0);
    json_t *json = test_json();
    snprintf(life->comm_r, sizeof life->comm_r, "%s", text_of(json, "comm_r"));
    assert_ok(slk_cid_from_text(&life->info.sealed_cid, text_of(json, "sealed_cid"), &life->diag),
              life->diag);
    assert_ok(
        slk_cid_from_text(&life->info.unsealed_cid, text_of(json, "unsealed_cid"), &life->diag),
        life->diag);
    json_decref(json);
    life_tell(life, "sealed with the ticket of %" PRId64 ": %s", life->info.seal_rand_epoch,
              slk_cid_text(&life->info.sealed_cid).s);
}

/* --- Pre-commit ------------------------------------------------------------------------------------------------ */

static slk_message_t pre_commit_message(life_t *life)
{
    /* 30 proving periods until it is proven, 180 and some of life. */
    life->info.expiration = life_height(life) + (30 + 180 + 20) * TEST_DEVNET_PERIOD;
    const slk_pre_commit_sector_batch2_params_t params = {{&life->info, 1}};
    return life_message(life, PRE_COMMIT_BATCH2, &slk_pre_commit_sector_batch2_params_type,
                        &params);
}

static void pre_commit(life_t *life)
{
    slk_api_bigint_t deposit;
    slk_api_opt_pre_commit_t there;
    slk_message_t message = pre_commit_message(life);
    CALL(life, StateMinerPreCommitDepositForPower, &life->miner, &life->info, NULL, &life->arena,
         &deposit);
    /* All that the miner has is the deposit of its creation, which is locked. */
    life_refused(life, &message, SLK_EXIT_USR_INSUFFICIENT_FUNDS,
                 "insufficient funds 0 for pre-commit deposit: ");
    message = pre_commit_message(life);
    message.value = slk_bigint_mul(deposit.v, slk_bigint_u64(2));
    life_send(life, &message);
    CALL(life, StateSectorPreCommitInfo, &life->miner, SECTOR, NULL, &life->arena, &there);
    assert_non_null(there.v);
    assert_true(slk_cid_eq(&there.v->info.sealed_cid, &life->info.sealed_cid));
    life->pre_commit_epoch = there.v->pre_commit_epoch;
    life->expiration = there.v->info.expiration;
    life_tell(life, "pre-committed at %" PRId64 " with a deposit of %s attoFIL",
              life->pre_commit_epoch, slk_bigint_text(&there.v->pre_commit_deposit).s);

    message = pre_commit_message(life);
    message.value = deposit.v;
    life_refused(life, &message, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                 "sector numbers BitField { ranges: [7..8], set: {}, unset: {} } already allocated "
                 "(16)");
}

/* --- Messages that no actor sees ------------------------------------------------------------------------------ */

static void push_refused(life_t *life, const slk_signed_message_t *message, const char *text)
{
    slk_api_cid_t cid;
    const slk_err_t err = slk_api_MpoolPush(&life->api, message, &life->arena, &cid, &life->diag);
    assert_int_equal(err, SLK_ERR_STATE);
    assert_has(life->answer.text, text);
    print_message("refused: %s\n", life->answer.text);
}

static void wrong_messages(life_t *life)
{
    slk_signed_message_t made;
    slk_message_t message = {.from = life->worker,
                             .to = life->owner,
                             .gas_limit = 10000000,
                             .gas_fee_cap = slk_bigint_u64(1000000),
                             .gas_premium = slk_bigint_u64(200000)};
    slk_api_u64_t nonce;
    char text[64];
    CALL(life, MpoolGetNonce, &life->worker, &life->arena, &nonce);
    assert_true(nonce.v > 0);
    snprintf(text, sizeof text, "minimum expected nonce is %" PRIu64 ", got 0: ", nonce.v);
    CALL(life, WalletSignMessage, &life->worker, &message, &life->arena, &made);
    push_refused(life, &made, text);

    message.nonce = nonce.v;
    CALL(life, WalletSignMessage, &life->worker, &message, &life->arena, &made);
    made.message.value = slk_bigint_u64(1);
    push_refused(life, &made, "bls signature failed to verify");
}

/* --- Proof ----------------------------------------------------------------------------------------------------- */

/* all: the message fails when the sector does, and says so; else because no sector is left. */
static slk_message_t prove_message(life_t *life, const uint8_t proof[PROOF_MAX], bool all)
{
    slk_bytes_t bytes = {proof, PROOF_MAX};
    slk_piece_activation_manifest_t piece = {.cid = life->info.unsealed_cid, .size = 2048};
    slk_sector_activation_manifest_t sector = {.sector_number = SECTOR, .pieces = {&piece, 1}};
    const slk_prove_commit_sectors3_params_t params = {
        .sector_activations = {&sector, 1},
        .sector_proofs = {&bytes, 1},
        .require_activation_success = all,
    };
    return life_message(life, PROVE_COMMIT3, &slk_prove_commit_sectors3_params_type, &params);
}

static void refuse_proof(life_t *life, const uint8_t proof[PROOF_MAX])
{
    slk_message_t message = prove_message(life, proof, true);
    life_refused(life, &message, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                 "invalid proof for sector 7 while requiring activation success: [false] (16)");
    message = prove_message(life, proof, false);
    life_refused(life, &message, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no valid proofs specified (16)");
}

static void wait_for_seed(life_t *life)
{
    static const uint8_t none[PROOF_MAX] = {0};
    slk_api_network_params_t net;
    const slk_message_t early = prove_message(life, none, true);
    life_refused(life, &early, SLK_EXIT_USR_FORBIDDEN, "too early to prove sector (18)");
    CALL(life, StateGetNetworkParams, &life->arena, &net);
    const int64_t epoch = life->pre_commit_epoch + net.pre_commit_challenge_delay;
    life_mine(life, epoch + 1 - life_height(life));
    const slk_api_bytes_t seed = life_beacon(life, SLK_TAG_SEAL_SEED, epoch);
    life_hex(life->seed, &seed);
    life_tell(life, "seed of %" PRId64 ": %s", epoch, life->seed);
}

static void read_proof(uint8_t proof[PROOF_MAX], const char *name)
{
    char text[PROOF_MAX + 1] = "";
    test_read(text, sizeof text, name);
    memcpy(proof, text, PROOF_MAX);
}

static void prove(life_t *life, const char *seed, uint8_t proof[PROOF_MAX])
{
    sh("\"$S\" seal c1 " NAME "--ticket %s --seed %s --out c1.json --quiet >/dev/null && "
       "\"$S\" seal c2 --miner %" PRIu64 " --sector 7 --in c1.json --out proof --quiet >/dev/null",
       life->miner_id, life->ticket, seed, life->miner_id);
    assert_status(0);
    read_proof(proof, "proof");
}

static void on_chain(life_t *life, slk_api_sector_location_t *place)
{
    slk_api_opt_sector_t sector;
    slk_api_sectors_t all;
    slk_api_miner_power_t power;
    CALL(life, StateSectorGetInfo, &life->miner, SECTOR, NULL, &life->arena, &sector);
    assert_non_null(sector.v);
    assert_true(slk_cid_eq(&sector.v->sealed_cid, &life->info.sealed_cid));
    assert_int_equal(sector.v->expiration, life->expiration);
    CALL(life, StateMinerSectors, &life->miner, NULL, NULL, &life->arena, &all);
    assert_int_equal(all.v.count, 1);
    assert_int_equal(all.v.items[0].sector_number, SECTOR);
    CALL(life, StateSectorPartition, &life->miner, SECTOR, NULL, &life->arena, place);
    assert_int_equal(place->partition, 0);
    life_tell(life, "on chain, pledge %s attoFIL, deadline %" PRIu64 ", partition 0",
              slk_bigint_text(&sector.v->initial_pledge).s, place->deadline);
    CALL(life, StateMinerPower, &life->miner, NULL, &life->arena, &power);
    assert_int_equal(slk_bigint_sign(&power.miner_power.raw_byte_power), 0);
}

/* --- Window PoSt ----------------------------------------------------------------------------------------------- */

static slk_api_deadline_info_t wait_for_deadline(life_t *life, uint64_t deadline)
{
    slk_api_deadline_info_t at;
    for (int i = 0; i < 2 * TEST_DEVNET_PERIOD; i++) {
        CALL(life, StateMinerProvingDeadline, &life->miner, NULL, &life->arena, &at);
        /* One epoch behind the opening, whose ticket is promised in the message. */
        if (at.index == deadline && at.current_epoch > at.open && at.current_epoch < at.close - 6)
            return at;
        life_mine(life, 1);
    }
    fail_msg("deadline %" PRIu64 " never opened", deadline);
    return at;
}

static slk_message_t post_message(life_t *life, const slk_api_deadline_info_t *at,
                                  const uint8_t bytes[PROOF_MAX])
{
    slk_post_partition_t partition = {.index = 0};
    slk_post_proof_t proof = {.post_proof = 10, .proof_bytes = {bytes, PROOF_MAX}};
    const slk_submit_windowed_post_params_t params = {
        .deadline = at->index,
        .partitions = {&partition, 1},
        .proofs = {&proof, 1},
        .chain_commit_epoch = at->open,
        .chain_commit_rand = life_ticket(life, SLK_TAG_POST_COMMIT, at->open, false).v,
    };
    return life_message(life, SUBMIT_WINDOWED_POST, &slk_submit_windowed_post_params_type, &params);
}

/* wrong_text: what the actor says to a wrong proof. */
static void window_post(life_t *life, const slk_api_sector_location_t *place,
                        const char *wrong_text)
{
    char randomness[65];
    uint8_t proof[PROOF_MAX], wrong[PROOF_MAX] = {0xc0, [48] = 0xc0, [144] = 0xc0};
    slk_api_miner_power_t power;
    const slk_api_deadline_info_t at = wait_for_deadline(life, place->deadline);
    const slk_api_bytes_t drawn = life_beacon(life, SLK_TAG_WINDOW_POST, at.challenge);
    life_hex(randomness, &drawn);
    sh("echo '[{\"sector\":7,\"comm_r\":\"%s\",\"cache\":\"store/cache/s-t0%" PRIu64 "-7\","
       "\"sealed\":\"store/sealed/s-t0%" PRIu64 "-7\"}]' >list && "
       "\"$S\" post prove --kind window --size 2KiB --randomness %s --replicas list --out post "
       "--quiet >/dev/null",
       life->comm_r, life->miner_id, life->miner_id, randomness);
    assert_status(0);
    read_proof(proof, "post");

    slk_message_t message = post_message(life, &at, wrong);
    life_refused(life, &message, SLK_EXIT_USR_ILLEGAL_ARGUMENT, wrong_text);
    message = post_message(life, &at, proof);
    life_send(life, &message);
    CALL(life, StateMinerPower, &life->miner, NULL, &life->arena, &power);
    const slk_bigint_t size = slk_bigint_u64(2048);
    assert_int_equal(slk_bigint_cmp(&power.miner_power.raw_byte_power, &size), 0);
    assert_int_equal(slk_bigint_cmp(&power.miner_power.quality_adj_power, &size), 0);
    assert_int_equal(slk_bigint_cmp(&power.total_power.raw_byte_power, &size), 0);
    assert_true(power.has_min_power);
    life_tell(life, "window PoSt of deadline %" PRIu64 ", opened at %" PRId64 ": %s bytes of power",
              at.index, at.open, slk_bigint_text(&power.miner_power.raw_byte_power).s);
}

/* A window without proof: the sector is faulty and has no power. */
static void missed_window(life_t *life)
{
    slk_api_miner_power_t power;
    slk_api_bitfield_t faults;
    life_mine(life, TEST_DEVNET_PERIOD + TEST_DEVNET_WINDOW);
    CALL(life, StateMinerFaults, &life->miner, NULL, &life->arena, &faults);
    assert_int_equal(slk_bitfield_count(&faults.v), 1);
    assert_true(slk_bitfield_contains(&faults.v, SECTOR));
    CALL(life, StateMinerPower, &life->miner, NULL, &life->arena, &power);
    assert_int_equal(slk_bigint_sign(&power.miner_power.raw_byte_power), 0);
    life_tell(life, "a window without proof: faulty, no power");
}

static void recover(life_t *life, const slk_api_sector_location_t *place)
{
    const slk_bit_run_t run = {SECTOR, SECTOR + 1};
    slk_sector_declaration_t sectors = {
        .deadline = place->deadline, .partition = place->partition, .sectors = {&run, 1}};
    const slk_declare_faults_recovered_params_t params = {{&sectors, 1}};
    const slk_message_t message =
        life_message(life, RECOVERED, &slk_declare_faults_recovered_params_type, &params);
    slk_api_bitfield_t set;
    life_send(life, &message);
    CALL(life, StateMinerRecoveries, &life->miner, NULL, &life->arena, &set);
    assert_int_equal(slk_bitfield_count(&set.v), 1);
    window_post(life, place, "-- invalid post was submitted (16)");
    CALL(life, StateMinerFaults, &life->miner, NULL, &life->arena, &set);
    assert_int_equal(slk_bitfield_count(&set.v), 0);
}

/* --- Lives ----------------------------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    (void)state;
    static const uint8_t none[PROOF_MAX] = {0};
    static const uint8_t infinity[PROOF_MAX] = {0xc0, [48] = 0xc0, [144] = 0xc0};
    slk_api_opt_pre_commit_t there;
    const char *const env = "FIL_PROOFS_PARAMETER_CACHE=" SLK_VECTORS "/vk";
    life_t life;
    life_open(&life, env);
    make_miner(&life);
    seal(&life);
    pre_commit(&life);
    wrong_messages(&life);
    wait_for_seed(&life);
    sh("\"$S\" seal c1 " NAME "--ticket %s --seed %s --out c1.json --quiet >/dev/null",
       life.miner_id, life.ticket, life.seed);
    assert_status(0);
    refuse_proof(&life, none);
    life_restart(&life, env);
    refuse_proof(&life, infinity);

    /* Until the last epoch it may come, then not any more; later the pre-commit is gone. */
    const int64_t due = life.pre_commit_epoch + 30 * TEST_DEVNET_PERIOD + 10;
    life_mine(&life, due + 1 - life_height(&life));
    slk_message_t late = prove_message(&life, none, false);
    life_refused(&life, &late, SLK_EXIT_USR_ILLEGAL_ARGUMENT, "no valid precommits specified (16)");
    late = prove_message(&life, none, true);
    life_refused(&life, &late, SLK_EXIT_USR_ILLEGAL_ARGUMENT,
                 "invalid pre-commit 0 while requiring activation success");
    life_mine(&life, 16 * TEST_DEVNET_WINDOW + 2 * TEST_DEVNET_WINDOW);
    CALL(&life, StateSectorPreCommitInfo, &life.miner, SECTOR, NULL, &life.arena, &there);
    assert_null(there.v);
    life_refused(&life, &late, SLK_EXIT_USR_NOT_FOUND, "loading precommits: sector 7 not found");
    life_close(&life);
}

static void test_life(void **state)
{
    (void)state;
    uint8_t proof[PROOF_MAX];
    char keys[4096], other_seed[65];
    life_t life;
    slk_api_sector_location_t place;
    const char *dir = getenv("FIL_PROOFS_PARAMETER_CACHE");
    snprintf(keys, sizeof keys, "FIL_PROOFS_PARAMETER_CACHE='%s'", dir ? dir : "keys");
    sh("export %s && \"$S\" params generate --size 2KiB --circuit porep --quiet >/dev/null && "
       "\"$S\" params generate --size 2KiB --circuit window --quiet >/dev/null",
       keys);
    assert_status(0);
    if (!dir) {
        snprintf(keys, sizeof keys, "%s/keys", test_dir);
        setenv("FIL_PROOFS_PARAMETER_CACHE", keys, 1);
    }
    life_open(&life, "");
    make_miner(&life);
    seal(&life);
    pre_commit(&life);
    wait_for_seed(&life);

    /* A proof that is right, but for another seed, and one bit of the sector's own. */
    memcpy(other_seed, life.seed, sizeof other_seed);
    other_seed[0] = other_seed[0] == '0' ? '1' : '0';
    prove(&life, other_seed, proof);
    refuse_proof(&life, proof);
    life_restart(&life, "");
    prove(&life, life.seed, proof);
    proof[0] ^= 0x20; /* the sign of a point */
    refuse_proof(&life, proof);
    proof[0] ^= 0x20;
    slk_message_t message = prove_message(&life, proof, true);
    life_send(&life, &message);
    on_chain(&life, &place);
    life_refused(&life, &message, SLK_EXIT_USR_NOT_FOUND, "loading precommits: sector 7 not found");
    window_post(&life, &place, "invalid post was submitted (strict mode of this ");
    missed_window(&life);
    recover(&life, &place);
    life_close(&life);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest quick[] = {
        cmocka_unit_test_setup_teardown(test_refused, test_dir_setup, test_devnet_teardown),
    };
    const struct CMUnitTest slow[] = {
        cmocka_unit_test_setup_teardown(test_life, test_dir_setup, test_devnet_teardown),
    };
    if (argc > 1 && strcmp(argv[1], "slow") == 0)
        return cmocka_run_group_tests(slow, NULL, NULL);
    return cmocka_run_group_tests(quick, NULL, NULL);
}
