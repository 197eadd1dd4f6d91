#include "codec/economics/fixed.h"

#include "base/assert.h"

#include <pthread.h>

/* Coefficients in Q.128, highest power first; chain.md 6.3 (exponential) and 4.3 (logarithm). */
enum { EXP_NUM_CNT = 8, EXP_DEN_CNT = 14, LN_CNT = 7 };

static const char *const exp_num_text[EXP_NUM_CNT] = {
    "-648770010757830093818553637600",          "67469480939593786226847644286976",
    "-3197587544499098424029388939001856",      "89244641121992890118377641805348864",
    "-1579656163641440567800982336819953664",   "17685496037279256458459817590917169152",
    "-115682590513835356866803355398940131328", "340282366920938463463374607431768211456",
};

static const char *const exp_den_text[EXP_DEN_CNT] = {
    "1225524182432722209606361",
    "114095592300906098243859450",
    "5665570424063336070530214243",
    "194450132448609991765137938448",
    "5068267641632683791026134915072",
    "104716890604972796896895427629056",
    "1748338658439454459487681798864896",
    "23704654329841312470660182937960448",
    "259380097567996910282699886670381056",
    "2250336698853390384720606936038375424",
    "14978272436876548034486263159246028800",
    "72144088983913131323343765784380833792",
    "224599776407103106596571252037123047424",
    "340282366920938463463374607431768211456",
};

static const char *const ln_num_text[LN_CNT] = {
    "261417938209272870992496419296200268025",    "7266615505142943436908456158054846846897",
    "32458783941900493142649393804518050491988",  "17078670566130897220338060387082146864806",
    "-35150353308172866634071793531642638290419", "-20351202052858059355702509232125230498980",
    "-1563932590352680681114104005183375350999",
};

static const char *const ln_den_text[LN_CNT] = {
    "49928077726659937662124949977867279384",    "2508163877009111928787629628566491583994",
    "21757751789594546643737445330202599887121", "53400635271583923415775576342898617051826",
    "41248834748603606604000911015235164348839", "9015227820322455780436733526367238305537",
    "340282366920938463463374607431768211456",
};

static mpz_t exp_num[EXP_NUM_CNT], exp_den[EXP_DEN_CNT], ln_num[LN_CNT], ln_den[LN_CNT], ln_2;

static void read_table(mpz_t *out, const char *const *text, int cnt)
{
    for (int i = 0; i < cnt; i++)
        SLK_ASSERT(mpz_init_set_str(out[i], text[i], 10) == 0);
}

static void read_tables(void)
{
    read_table(exp_num, exp_num_text, EXP_NUM_CNT);
    read_table(exp_den, exp_den_text, EXP_DEN_CNT);
    read_table(ln_num, ln_num_text, LN_CNT);
    read_table(ln_den, ln_den_text, LN_CNT);
    SLK_ASSERT(mpz_init_set_str(ln_2, "235865763225513294137944142764154484399", 10) == 0);
}

static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

/* out = sum of coef[i] * x^(cnt-1-i), the coefficients raised from Q.128 to Q.bits. */
static void polynomial(mpz_t out, mpz_t *coef, int cnt, mpz_srcptr x, unsigned bits)
{
    mpz_t c;
    mpz_init(c);
    mpz_set_ui(out, 0);
    for (int i = 0; i < cnt; i++) {
        mpz_mul(out, out, x);
        mpz_fdiv_q_2exp(out, out, bits);
        mpz_mul_2exp(c, coef[i], bits - SLK_Q128);
        mpz_add(out, out, c);
    }
    mpz_clear(c);
}

static void ratio(mpz_t out, mpz_t *num, int num_cnt, mpz_t *den, int den_cnt, mpz_srcptr x,
                  unsigned bits)
{
    mpz_t n, d;
    mpz_inits(n, d, NULL);
    polynomial(n, num, num_cnt, x, bits);
    polynomial(d, den, den_cnt, x, bits);
    mpz_mul_2exp(n, n, bits);
    mpz_fdiv_q(out, n, d);
    mpz_clears(n, d, NULL);
}

void slk_q_expneg(mpz_t out, mpz_srcptr x, unsigned bits)
{
    SLK_ASSERT(bits == SLK_Q128 || bits == SLK_Q256);
    pthread_once(&tables_once, read_tables);
    ratio(out, exp_num, EXP_NUM_CNT, exp_den, EXP_DEN_CNT, x, bits);
}

void slk_q_ln(mpz_t out, mpz_srcptr x)
{
    pthread_once(&tables_once, read_tables);
    mpz_t mantissa, whole;
    mpz_inits(mantissa, whole, NULL);
    /* x = 2^k * mantissa with a mantissa in [1, 2). */
    long size = mpz_sgn(x) == 0 ? 0 : (long)mpz_sizeinbase(x, 2);
    long k = size - 1 - (long)SLK_Q128;
    if (k > 0)
        mpz_fdiv_q_2exp(mantissa, x, (unsigned long)k);
    else
        mpz_mul_2exp(mantissa, x, (unsigned long)-k);
    mpz_mul_si(whole, ln_2, k);
    ratio(mantissa, ln_num, LN_CNT, ln_den, LN_CNT, mantissa, SLK_Q128);
    mpz_add(out, whole, mantissa);
    mpz_clears(mantissa, whole, NULL);
}
