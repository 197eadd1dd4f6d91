#include "codec/fil.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DECIMALS 18

/* Decimal places of a unit's name; -1: no such unit. */
static int unit_decimals(const char *name)
{
    static const struct {
        const char *name;
        int decimals;
    } units[] = {{"", DECIMALS}, {"fil", DECIMALS}, {"attofil", 0}, {"afil", 0}};
    for (size_t i = 0; i < SLK_COUNT(units); i++)
        if (strcasecmp(name, units[i].name) == 0)
            return units[i].decimals;
    return -1;
}

slk_err_t slk_fil_parse(slk_bigint_t *atto, const char *text, slk_diag_t *diag)
{
    static const char digits[] = "0123456789";
    const char *whole = text + (text[0] == '-');
    size_t whole_len = strspn(whole, digits);
    const char *fraction = whole + whole_len + (whole[whole_len] == '.');
    size_t fraction_len = fraction > whole + whole_len ? strspn(fraction, digits) : 0;
    const char *unit = fraction + fraction_len;
    unit += strspn(unit, " ");
    int decimals = unit_decimals(unit);
    char all[SLK_BIGINT_TEXT_SZ];
    if (whole_len + fraction_len == 0 || decimals < 0 || fraction_len > (size_t)decimals ||
        (fraction != whole + whole_len && fraction_len == 0) || whole_len > 200)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "\"%.80s\" is no amount: expected a number such as 1.5, with up to 18 "
                        "digits behind the point, and FIL, or a whole number and attoFIL",
                        text);
    snprintf(all, sizeof all, "%.*s%.*s%0*d", (int)whole_len, whole, (int)fraction_len, fraction,
             decimals - (int)fraction_len, 0);
    /* "%0*d" writes one zero also where none is wanted. */
    all[whole_len + (size_t)decimals] = 0;
    const char *number = all + strspn(all, "0");
    slk_err_t err = slk_bigint_from_text(atto, *number ? number : "0", diag);
    if (err == SLK_OK && text[0] == '-')
        *atto = slk_bigint_neg(*atto);
    return err == SLK_OK ? SLK_OK : SLK_ERR_INPUT;
}

void slk_fil_format(char out[SLK_FIL_TEXT_SZ], const slk_bigint_t *atto)
{
    char digits[SLK_BIGINT_TEXT_SZ], padded[SLK_BIGINT_TEXT_SZ + DECIMALS];
    slk_bigint_t magnitude = *atto;
    magnitude.size = magnitude.size < 0 ? -magnitude.size : magnitude.size;
    slk_bigint_to_text(digits, &magnitude);
    size_t len = strlen(digits), zeros = len <= DECIMALS ? DECIMALS + 1 - len : 0;
    memset(padded, '0', zeros);
    memcpy(padded + zeros, digits, len + 1);
    len += zeros;
    const char *fraction = padded + len - DECIMALS;
    int fraction_len = DECIMALS;
    while (fraction_len && fraction[fraction_len - 1] == '0')
        fraction_len--;
    snprintf(out, SLK_FIL_TEXT_SZ, "%s%.*s%s%.*s FIL", atto->size < 0 ? "-" : "",
             (int)(len - DECIMALS), padded, fraction_len ? "." : "", fraction_len, fraction);
}
