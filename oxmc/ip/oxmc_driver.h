/* Driver of a chip of oxmc behind a bus: C99, no memory of its own, no floating point.
 *
 * Addresses are byte offsets within the chip's window. A bus is two functions; each returns 0, or anything else for a
 * transfer that the bus answered with an error. */
#ifndef OXMC_DRIVER_H
#define OXMC_DRIVER_H

#include <stddef.h>
#include <stdint.h>

enum oxmc_result {
    OXMC_OK = 0,
    OXMC_REFUSED = 1,   /* the chip or the bus refused a transfer: oxmc_errors() tells why */
    OXMC_NO_CHIP = 2,   /* what is at the address is no chip of oxmc */
    OXMC_TOO_LONG = 3,  /* the command did not end within `patience` looks */
    OXMC_MISSING = 4,   /* the chip was built without that command */
    OXMC_BAD = 5        /* an argument that the chip as built cannot have */
};

enum oxmc_command {
    OXMC_BUILD_MAP = 1,
    OXMC_TRAIN = 2,
    OXMC_INFER = 3,
    OXMC_FORM = 4,
    OXMC_CALIBRATE = 5,
    OXMC_ABORT = 8,
    OXMC_AUTO_ZERO = 9
};

/* Bits of what oxmc_errors() gives. */
enum oxmc_error {
    OXMC_ERROR_COMMAND = 1u << 0,
    OXMC_ERROR_ADDRESS = 1u << 1,
    OXMC_ERROR_VALUE = 1u << 2,
    OXMC_ERROR_BUSY = 1u << 3,
    OXMC_ERROR_PROTOCOL = 1u << 4,
    OXMC_ERROR_STATE = 1u << 5
};

/* Why the interrupt is high, or would be where it is enabled: levels, each as long as its cause. */
enum oxmc_cause {
    OXMC_CAUSE_ERROR = 1u << 0,
    OXMC_CAUSE_IDLE = 1u << 1,
    OXMC_CAUSE_WAITING = 1u << 2, /* an episode waits */
    OXMC_CAUSE_RESULT = 1u << 3
};

/* Zero what you do not set. */
struct oxmc_chip {
    int (*read)(void *context, uint32_t address, uint32_t *word);
    int (*write)(void *context, uint32_t address, uint32_t word);
    void (*sleep)(void *context); /* waits for the interrupt, as `wfi` does; 0: IRQ_STATUS is looked at all the time */
    void *context;      /* handed to all three */
    uint32_t patience;  /* looks at IRQ_STATUS before a wait counts as too long; 0: for ever */
    uint32_t training;  /* training points, for LAST_SAMPLE; filled by oxmc_load(), or by you; 0: it is left alone */
    /* filled by oxmc_open() */
    uint32_t version, commands, rows, samples;
    uint32_t outputs, hidden, features, input_bits, lfsr_bits;
};

/* One word and where it goes: a table, a setting. */
struct oxmc_word {
    uint32_t address, word;
};

/* One output of one test point. `winner` is the class where `last` is 1. */
struct oxmc_answer {
    int64_t sum;
    uint32_t winner;
    int last;
};

/* Where a chip that learns from rewards acts: an episode begins, then takes an action a step. Both fill the codes of the
 * next observation; `act` returns other than 0 where the episode is over. A reward is the number of steps. */
struct oxmc_world {
    void (*restart)(void *context, uint32_t episode, int16_t *codes);
    int (*act)(void *context, uint32_t action, int16_t *codes);
    void *context;
};

/* Find the chip and what was built. */
enum oxmc_result oxmc_open(struct oxmc_chip *chip);

/* Write tables and settings: the array of NAME_words.h. */
enum oxmc_result oxmc_load(struct oxmc_chip *chip, const struct oxmc_word *words, size_t count);

/* Write point `index`: `features` input codes, and its label, 0 for a test point of unknown class. */
enum oxmc_result oxmc_sample(struct oxmc_chip *chip, uint32_t index, const int16_t *codes, uint32_t label);

/* Give a command and wait for its end. */
enum oxmc_result oxmc_run(struct oxmc_chip *chip, enum oxmc_command command);

/* Give a command, enable the interrupt for `causes` and return. The handler calls oxmc_causes(). */
enum oxmc_result oxmc_start(struct oxmc_chip *chip, enum oxmc_command command, uint32_t causes);

/* What there is to be served; disables the interrupt. */
enum oxmc_result oxmc_causes(struct oxmc_chip *chip, uint32_t *causes);

/* Fill the LUT by a sweep over the array. */
enum oxmc_result oxmc_calibrate(struct oxmc_chip *chip);

/* Set the seed, build the code map from the LUT, train. Points, tables and settings have to be there; a new array is
 * formed before, if that was built, by oxmc_run(). The LFSR of a chip has up to 64 bits; `seed_high` counts where it has
 * more than 32. Not for chips that learn from rewards: oxmc_learn(). */
enum oxmc_result oxmc_train(struct oxmc_chip *chip, uint32_t seed_low, uint32_t seed_high);

/* The same from rewards; `codes` has room for an observation. Afterwards oxmc_sample() of point 1 and oxmc_classify() of
 * it give an action. */
enum oxmc_result oxmc_learn(struct oxmc_chip *chip, uint32_t seed_low, uint32_t seed_high,
                            const struct oxmc_world *world, int16_t *codes);

/* Let the rows vote on the test points `first` to `last`, which follow the training's; `answers` has room for one entry
 * an output and point. LAST_SAMPLE is afterwards that of the training again. */
enum oxmc_result oxmc_classify(struct oxmc_chip *chip, uint32_t first, uint32_t last, struct oxmc_answer *answers);

/* Why transfers were refused since the last call, which this clears. */
enum oxmc_result oxmc_errors(struct oxmc_chip *chip, uint32_t *bits);

/* Stop what runs. Results that wait are dropped. */
enum oxmc_result oxmc_abort(struct oxmc_chip *chip);

#endif
