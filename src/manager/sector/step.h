#ifndef SLK_MANAGER_SECTOR_STEP_H
#define SLK_MANAGER_SECTOR_STEP_H

/* The state machine of a sector: a table of (state, event) -> state, and what each event writes into the
 * record. Pure: no clock, no database, no chain. What a state has to do next is not the step's to say but
 * manager/seal/decide.h's, which reads the record; so a step needs to be stored, and nothing else.
 *
 * The table is that of Lotus (spec lotus-miner.md 1.2). Where we differ, on purpose:
 *   - Every state of Lotus pauses where its handler fails. Ours have no pause: they are decided on again.
 *   - SectorRemove after the fourth failure of PC1, TicketExpired of CommitFailed and the other removals that
 *     Lotus does by itself are edges here; whether one is taken is decided elsewhere.
 *   - FaultReported takes FaultedFinal, which in Lotus is sent and refused.
 *   - Removed takes SectorRemove, so that files that came back can be removed again; SectorForceState and
 *     SectorTerminate are refused in it, where Lotus says nothing. All other events it ignores, as in Lotus.
 *   - SectorSealPreCommit1Failed counts in Committing too, where Lotus forgets it.
 *   - SectorStartPacking while pieces are written is remembered (StartPacking); Lotus waits for its timer again.
 *     SectorAddPiece brings the pieces, which are Assigned in the record until they are written; SectorPacked
 *     drops those that are left, as Lotus' Packing rejects them.
 *   - Events that do not bring what they are for are refused: SectorPreCommit2 and SectorReplicaUpdate without
 *     commitments, proofs without bytes, SectorUpdateDealIDs with other pieces, SectorForceState and
 *     SectorInvalidDealIDs without a state, SectorReceive with a record that cannot be gone on with.
 *   - What failures say is in LastErr.
 * SectorRestart and SectorFatalError are taken everywhere and enter nothing: a restart keeps the visit, and so
 * the jobs and messages named after it. SectorForceState enters its state anew, also the same one: nothing
 * but the state is touched, and what was begun by the former visit is begun again. */

#include "manager/sector/event.h"

typedef enum {
    SLK_STEP_TAKEN,   /* the record changed; it may be the same state again */
    SLK_STEP_IGNORED, /* the event means nothing in this state and does no harm */
    SLK_STEP_REFUSED  /* the state does not take the event; the record is as it was */
} slk_step_t;

/* Apply an event at time now_ms (ms since 1970; goes into the record only). New memory comes from the
 * arena, which must live as long as the record; a list that grows is a new one, so that a copy of the struct
 * made before is still the former record. A step that enters a state, also the same one again, counts
 * visit up. why (may be NULL): a sentence where it was refused. SLK_ERR_NOMEM: the record is as it was.
 */
SLK_CHECK_RESULT slk_err_t slk_sector_step(slk_sector_info_t *sector, const slk_event_t *event,
                                           int64_t now_ms, slk_arena_t *arena, slk_step_t *step,
                                           slk_diag_t *why);

/* The table itself, for tests, documents and simulations: does this state take this event, and where
 * does it lead? False: it does not. *to is SLK_STATE_CNT where the event or the record names the state. */
bool slk_sector_edge(slk_sector_state_t from, slk_event_type_t event, slk_sector_state_t *to);

#endif /* SLK_MANAGER_SECTOR_STEP_H */
