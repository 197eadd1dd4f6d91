#include "app/progress_view.h"

#include <math.h>
#include <string.h>

void slk_format_amount(char *out, size_t cap, double amount, const char *unit)
{
    static const char *const binary[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    static const char *const decimal[] = {"", "k ", "M ", "G ", "T ", "P "};
    bool bytes = strcmp(unit, "B") == 0;
    double step = bytes ? 1024 : 1000;
    unsigned i = 0;
    while (amount >= step * 0.9995 && i < 5) {
        amount /= step;
        i++;
    }
    int digits = (i == 0 && amount == floor(amount)) || amount >= 99.95 ? 0
                 : amount >= 9.995                                      ? 1
                                                                        : 2;
    snprintf(out, cap, "%.*f %s%s", digits, amount, bytes ? binary[i] : decimal[i],
             bytes ? "" : unit);
}

void slk_format_seconds(char *out, size_t cap, double seconds)
{
    if (seconds < 0.9995) {
        snprintf(out, cap, "%.3g ms", seconds * 1e3);
    } else if (seconds < 9.995) {
        snprintf(out, cap, "%.2f s", seconds);
    } else if (seconds < 59.95) {
        snprintf(out, cap, "%.1f s", seconds);
    } else {
        unsigned long long s = (unsigned long long)(seconds + 0.5);
        if (s < 3600)
            snprintf(out, cap, "%llu:%02llu", s / 60, s % 60);
        else
            snprintf(out, cap, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
    }
}

/* Work of this run a second: what an earlier run left is not counted. */
static double rate_of(const slk_progress_view_t *view, double now)
{
    double seconds = (view->ended > 0 ? view->ended : now) - view->started;
    return seconds > 0 && view->done > view->resumed
               ? (double)(view->done - view->resumed) / seconds
               : 0;
}

static double share_of(const slk_progress_view_t *view)
{
    if (!view->total)
        return 0;
    return view->done >= view->total ? 1 : (double)view->done / (double)view->total;
}

/* "812 k labels/s", empty while nothing is known. */
static void rate_text(char *out, size_t cap, const slk_progress_view_t *view, double now)
{
    double rate = rate_of(view, now);
    *out = '\0';
    if (rate > 0) {
        slk_format_amount(out, cap, rate, view->unit);
        size_t used = strlen(out);
        snprintf(out + used, cap - used, "/s");
    }
}

static void eta_text(char *out, size_t cap, const slk_progress_view_t *view, double now)
{
    double rate = rate_of(view, now);
    *out = '\0';
    if (rate > 0 && view->total > view->done)
        slk_format_seconds(out, cap, (double)(view->total - view->done) / rate);
}

void slk_progress_bar(char *out, size_t cap, const slk_progress_view_t *view, double now,
                      unsigned width)
{
    char rate[64], eta[32], done[64], tail[192];
    rate_text(rate, sizeof rate, view, now);
    eta_text(eta, sizeof eta, view, now);
    if (view->total)
        snprintf(tail, sizeof tail, " %3d %%%s%s%s%s", (int)(share_of(view) * 100),
                 *rate ? "  " : "", rate, *eta ? "  ETA " : "", eta);
    else {
        slk_format_amount(done, sizeof done, (double)view->done, view->unit);
        snprintf(tail, sizeof tail, " %s%s%s", done, *rate ? "  " : "", rate);
    }

    /* name | bar | numbers: the bar takes what is left, up to 30 columns, and goes first when that
     * is little */
    size_t used = strlen(view->stage) + strlen(tail);
    size_t bar = view->total && width > used + 13 ? width - used - 3 : 0;
    if (bar > 30)
        bar = 30;
    char cells[31] = "";
    size_t full = (size_t)(share_of(view) * (double)bar);
    for (size_t i = 0; i < bar; i++)
        cells[i] = i < full ? '=' : i == full ? '>' : ' ';
    cells[bar] = '\0';
    snprintf(out, cap, bar ? "%s [%s]%s" : "%s%s%s", view->stage, cells, tail);
    if (width < strlen(out))
        out[width] = '\0';
}

void slk_progress_line(char *out, size_t cap, const slk_progress_view_t *view, double now)
{
    char rate[64], eta[32], done[64], total[64], share[96];
    rate_text(rate, sizeof rate, view, now);
    eta_text(eta, sizeof eta, view, now);
    slk_format_amount(done, sizeof done, (double)view->done, view->unit);
    slk_format_amount(total, sizeof total, (double)view->total, view->unit);
    snprintf(share, sizeof share, ", %d %% of %s", (int)(share_of(view) * 100), total);
    snprintf(out, cap, "%s: %s%s%s%s%s%s", view->stage, done, view->total ? share : "",
             *rate ? ", " : "", rate, *eta ? ", time left " : "", eta);
}

void slk_progress_last(char *out, size_t cap, const slk_progress_view_t *view)
{
    char rate[64], done[64], took[32], of[80] = "", kept[96] = "";
    rate_text(rate, sizeof rate, view, view->ended);
    slk_format_amount(done, sizeof done, (double)view->done, view->unit);
    slk_format_seconds(took, sizeof took, view->ended - view->started);
    char amount[64];
    if (view->done < view->total) { /* interrupted */
        slk_format_amount(amount, sizeof amount, (double)view->total, view->unit);
        snprintf(of, sizeof of, " of %s", amount);
    }
    if (view->resumed) {
        slk_format_amount(amount, sizeof amount, (double)view->resumed, view->unit);
        snprintf(kept, sizeof kept, " (%s were there)", amount);
    }
    snprintf(out, cap, "%s: %s%s%s in %s%s%s", view->stage, done, of, kept, took, *rate ? ", " : "",
             rate);
}
