#include "oxmc_driver.h"

/* Byte addresses, as in NAME.h and registers.md. */
#define COMMAND 0x000000u
#define LAST_SAMPLE 0x000008u
#define LAST_TEST 0x00000cu
#define SEED_LOW 0x000020u
#define SEED_HIGH 0x000024u
#define CLEAR_ERRORS 0x000050u
#define PORT 0x200000u
#define ID (PORT + 0x00u)
#define VERSION (PORT + 0x04u)
#define SHAPE (PORT + 0x08u)
#define ROWS (PORT + 0x0cu)
#define SAMPLES (PORT + 0x10u)
#define CODES (PORT + 0x14u)
#define COMMANDS (PORT + 0x1cu)
#define IRQ_ENABLE (PORT + 0x24u)
#define IRQ_STATUS (PORT + 0x28u)
#define RESULT_SUM (PORT + 0x2cu)
#define RESULT_SUM_HIGH (PORT + 0x30u)
#define RESULT (PORT + 0x34u)
#define RESULT_COUNT (PORT + 0x38u)
#define ERRORS 0x400020u
#define SAMPLE_MEMORY 0x1800000u

#define LETTERS 0x4f584d43u /* OXMC */
#define STEP 6u
#define DONE 7u
#define WORLD_SAMPLE 0u /* where an episode's observations go */
#define LAST (1u << 30) /* of RESULT, above the winner */

static enum oxmc_result put(struct oxmc_chip *chip, uint32_t address, uint32_t word)
{
    return chip->write(chip->context, address, word) ? OXMC_REFUSED : OXMC_OK;
}

static enum oxmc_result get(struct oxmc_chip *chip, uint32_t address, uint32_t *word)
{
    return chip->read(chip->context, address, word) ? OXMC_REFUSED : OXMC_OK;
}

enum oxmc_result oxmc_open(struct oxmc_chip *chip)
{
    uint32_t id, shape, codes;

    if (get(chip, ID, &id) || id != LETTERS)
        return OXMC_NO_CHIP;
    if (get(chip, VERSION, &chip->version) || get(chip, SHAPE, &shape) || get(chip, ROWS, &chip->rows) ||
        get(chip, SAMPLES, &chip->samples) || get(chip, CODES, &codes) || get(chip, COMMANDS, &chip->commands))
        return OXMC_REFUSED;
    chip->outputs = shape & 255u;
    chip->hidden = shape >> 8 & 255u;
    chip->features = shape >> 16 & 255u;
    chip->input_bits = codes & 255u;
    chip->lfsr_bits = codes >> 24;
    return OXMC_OK;
}

enum oxmc_result oxmc_load(struct oxmc_chip *chip, const struct oxmc_word *words, size_t count)
{
    enum oxmc_result result = OXMC_OK;

    for (size_t i = 0; i < count && !result; i++) {
        result = put(chip, words[i].address, words[i].word);
        if (words[i].address == LAST_SAMPLE)
            chip->training = words[i].word + 1;
    }
    return result;
}

/* Bits of a label: that of the highest class, 1 with one output. */
static uint32_t label_bits(const struct oxmc_chip *chip)
{
    uint32_t bits = 1;

    while (chip->outputs > 1u << bits)
        bits++;
    return bits;
}

enum oxmc_result oxmc_sample(struct oxmc_chip *chip, uint32_t index, const int16_t *codes, uint32_t label)
{
    const uint32_t label_at = chip->features * chip->input_bits, mask = (1u << chip->input_bits) - 1u;
    const uint32_t labels = chip->commands >> STEP & 1u ? 0 : label_bits(chip), lanes = (label_at + labels + 31) / 32;
    const int32_t top = (int32_t)(mask >> 1);
    uint32_t stride = 1, word = 0, fill = 0, lane = 0, address;
    enum oxmc_result result = OXMC_OK;

    while (stride < lanes)
        stride *= 2;
    if (index >= chip->samples || (label >> labels))
        return OXMC_BAD;
    address = SAMPLE_MEMORY + index * stride * 4;
    for (uint32_t i = 0; i <= chip->features && !result; i++) {
        const uint32_t width = i < chip->features ? chip->input_bits : labels;
        uint32_t value = label;

        if (i < chip->features) {
            if (codes[i] > top || codes[i] < -top)
                return OXMC_BAD;
            value = (uint32_t)codes[i] & mask;
        }
        if (!width)
            continue;
        word |= value << fill;
        if (fill + width >= 32) { /* full: the rest begins the next word */
            result = put(chip, address + 4 * lane++, word);
            word = fill ? value >> (32 - fill) : 0;
            fill = fill + width - 32;
        } else {
            fill += width;
        }
    }
    return !result && fill ? put(chip, address + 4 * lane, word) : result;
}

/* Wait until IRQ_STATUS has one of some bits; `found` has those that it has. */
static enum oxmc_result wait_for(struct oxmc_chip *chip, uint32_t bits, uint32_t *found)
{
    uint32_t status;

    for (uint32_t looks = 0; !chip->patience || looks < chip->patience; looks++) {
        if (get(chip, IRQ_STATUS, &status))
            return OXMC_REFUSED;
        *found = status & bits;
        if (*found)
            return OXMC_OK;
        if (!chip->sleep)
            continue;
        if (put(chip, IRQ_ENABLE, bits)) /* a level: it is there, too, where the cause came before */
            return OXMC_REFUSED;
        chip->sleep(chip->context);
        if (put(chip, IRQ_ENABLE, 0))
            return OXMC_REFUSED;
    }
    return OXMC_TOO_LONG;
}

static enum oxmc_result wait(struct oxmc_chip *chip, uint32_t bits)
{
    uint32_t found;

    return wait_for(chip, bits, &found);
}

enum oxmc_result oxmc_start(struct oxmc_chip *chip, enum oxmc_command command, uint32_t causes)
{
    if (!(chip->commands >> command & 1u))
        return OXMC_MISSING;
    return put(chip, COMMAND, command) || put(chip, IRQ_ENABLE, causes) ? OXMC_REFUSED : OXMC_OK;
}

enum oxmc_result oxmc_causes(struct oxmc_chip *chip, uint32_t *causes)
{
    if (get(chip, IRQ_STATUS, causes))
        return OXMC_REFUSED;
    return put(chip, IRQ_ENABLE, 0);
}

enum oxmc_result oxmc_run(struct oxmc_chip *chip, enum oxmc_command command)
{
    if (!(chip->commands >> command & 1u))
        return OXMC_MISSING;
    if (put(chip, COMMAND, command))
        return OXMC_REFUSED;
    return wait(chip, OXMC_CAUSE_IDLE);
}

enum oxmc_result oxmc_calibrate(struct oxmc_chip *chip)
{
    return oxmc_run(chip, OXMC_CALIBRATE);
}

/* What comes before TRAIN; LAST_SAMPLE may be that of an oxmc_classify() that did not end. */
static enum oxmc_result prepare(struct oxmc_chip *chip, uint32_t seed_low, uint32_t seed_high)
{
    if (put(chip, SEED_LOW, seed_low) || (chip->lfsr_bits > 32 && put(chip, SEED_HIGH, seed_high)) ||
        (chip->training && put(chip, LAST_SAMPLE, chip->training - 1)))
        return OXMC_REFUSED;
    return oxmc_run(chip, OXMC_BUILD_MAP);
}

enum oxmc_result oxmc_train(struct oxmc_chip *chip, uint32_t seed_low, uint32_t seed_high)
{
    enum oxmc_result result;

    if (chip->commands >> STEP & 1u)
        return OXMC_MISSING;
    result = prepare(chip, seed_low, seed_high);
    return result ? result : oxmc_run(chip, OXMC_TRAIN);
}

static enum oxmc_result take(struct oxmc_chip *chip, struct oxmc_answer *answer)
{
    enum oxmc_result result = wait(chip, OXMC_CAUSE_RESULT);
    uint32_t low, high, rest;

    if (result)
        return result;
    if (get(chip, RESULT_SUM, &low) || get(chip, RESULT_SUM_HIGH, &high) || get(chip, RESULT, &rest))
        return OXMC_REFUSED;
    answer->sum = (int64_t)((uint64_t)high << 32 | low);
    answer->winner = rest & (LAST - 1u);
    answer->last = (rest & LAST) != 0;
    return OXMC_OK;
}

enum oxmc_result oxmc_classify(struct oxmc_chip *chip, uint32_t first, uint32_t last, struct oxmc_answer *answers)
{
    enum oxmc_result result = OXMC_OK;

    if (first < 1 || last < first || last >= chip->samples)
        return OXMC_BAD;
    if (!(chip->commands >> OXMC_INFER & 1u))
        return OXMC_MISSING;
    if (put(chip, LAST_SAMPLE, first - 1) || put(chip, LAST_TEST, last) || put(chip, COMMAND, OXMC_INFER))
        return OXMC_REFUSED;
    for (uint32_t i = 0; i < (last - first + 1) * chip->outputs && !result; i++)
        result = take(chip, &answers[i]);
    if (!result)
        result = wait(chip, OXMC_CAUSE_IDLE);
    if (!result && chip->training)
        result = put(chip, LAST_SAMPLE, chip->training - 1);
    return result;
}

/* One step: the observation goes in, the action comes out. */
static enum oxmc_result step(struct oxmc_chip *chip, const int16_t *codes, uint32_t *action)
{
    struct oxmc_answer answer = {0, 0, 0};
    enum oxmc_result result = oxmc_sample(chip, WORLD_SAMPLE, codes, 0);

    if (!result)
        result = put(chip, COMMAND, STEP);
    while (!result && !answer.last)
        result = take(chip, &answer);
    *action = answer.winner;
    return result ? result : wait(chip, OXMC_CAUSE_WAITING);
}

enum oxmc_result oxmc_learn(struct oxmc_chip *chip, uint32_t seed_low, uint32_t seed_high,
                            const struct oxmc_world *world, int16_t *codes)
{
    enum oxmc_result result;
    uint32_t found, action;

    if (!(chip->commands >> STEP & 1u))
        return OXMC_MISSING;
    result = prepare(chip, seed_low, seed_high);
    if (!result)
        result = put(chip, COMMAND, OXMC_TRAIN);
    for (uint32_t episode = 0; !result; episode++) {
        int over = 0;

        result = wait_for(chip, OXMC_CAUSE_WAITING | OXMC_CAUSE_IDLE, &found);
        if (result || found & OXMC_CAUSE_IDLE)
            break;
        world->restart(world->context, episode, codes);
        while (!over && !result) {
            result = step(chip, codes, &action);
            if (!result)
                over = world->act(world->context, action, codes);
        }
        if (!result)
            result = put(chip, COMMAND, DONE);
    }
    return result;
}

enum oxmc_result oxmc_errors(struct oxmc_chip *chip, uint32_t *bits)
{
    enum oxmc_result result = get(chip, ERRORS, bits);

    return result ? result : put(chip, CLEAR_ERRORS, *bits);
}

enum oxmc_result oxmc_abort(struct oxmc_chip *chip)
{
    enum oxmc_result result = oxmc_run(chip, OXMC_ABORT);
    uint32_t count = 0, rest;

    if (!result)
        result = get(chip, RESULT_COUNT, &count);
    while (!result && count--) /* the chip leaves them in the queue, for the next command to be taken for its own */
        result = get(chip, RESULT, &rest);
    return result;
}
