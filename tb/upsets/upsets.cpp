// Program of the upsets on Verilator: runs one training as far as each upset, and each upset to its end in a fork.
//
//   upsets LIMIT CELLS < PLAN
//
// The plan begins with the chip's state, a line an element, `SCOPE SIGNAL WIDTH WORDS`, and an empty line. A line after it is `NUMBER CYCLE CHANGE...`, in order of the cycles, a CHANGE one of
//   SCOPE SIGNAL WORD BIT   flips a bit, in the middle of the cycle
//   cut SEED                power is lost in the cycle: see `cut`; lines of results ahead of it and after the reset, too
// and of its end comes a line of results: NUMBER, `end` or `limit`, the cycle, whether the array was given a pulse that it
// refuses, the cycle in which the chip was first busy, operation and row on the array port; the host's answers; class and last of each result, a digit each;
// the array's nS, and SETs. LIMIT is the cycle in which a run has failed to end. A number below 0 is a run without a change.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "Vcosim.h"
#include "verilated.h"
#include "verilated_syms.h"

namespace {
constexpr uint64_t RESET = 2, SET = 3;  // operations on the array port
constexpr uint64_t AFTER_RESET = 4;  // cycles of a reset, in which nothing reaches the array

VerilatedVar& variable(const std::string& scope, const std::string& name) {
    const std::string whole = "cosim" + (scope.empty() ? "" : "." + scope);
    const VerilatedScope* found = Verilated::threadContextp()->scopeFind(whole.c_str());
    VerilatedVar* var = found ? found->varFind(name.c_str()) : nullptr;
    if (!var) {
        std::cerr << "upsets: no signal " << whole << "." << name << "\n";
        std::exit(2);
    }
    return *var;
}

uint8_t* bytes(const VerilatedVar& var, size_t word) { return static_cast<uint8_t*>(var.datap()) + word * var.entSize(); }

uint64_t value(const VerilatedVar& var, size_t word = 0) {
    uint64_t found = 0;
    for (size_t i = 0; i < var.entSize() && i < 8; ++i) found |= uint64_t(bytes(var, word)[i]) << (8 * i);
    return found;
}

void set(const std::string& scope, const std::string& name, uint64_t number, size_t word = 0) {
    VerilatedVar& var = variable(scope, name);
    for (size_t i = 0; i < var.entSize(); ++i) bytes(var, word)[i] = i < 8 ? uint8_t(number >> (8 * i)) : 0;
}

// where the chip's state is, one line an element: SCOPE SIGNAL WIDTH WORDS
struct Element { std::string scope, name; size_t width, words; };
std::vector<Element> chip_state;

struct Run {
    Vcosim& top;
    const size_t cells;  // of a row
    uint64_t cycle = 0, began = 0;
    void step() {
        for (int level = 1; level >= 0; --level) {
            top.clk = level;
            top.eval();
        }
        ++cycle;
        if (!began && top.busy) began = cycle;
    }

    // All state of the chip becomes random, its reset holds, and the host begins anew. What a cut SET or RESET has left of
    // its cells is random, too; of the array nothing else changes.
    void cut(std::mt19937_64& random) {
        const uint64_t op = value(variable("", "op")), row = value(variable("", "array_row"));
        const uint64_t place = value(variable("", "array_cell"));
        const uint8_t* mask = bytes(variable("", "array_mask"), 0);
        for (size_t cell = 0; cell < cells; ++cell)
            if ((op == RESET && mask[cell / 8] >> cell % 8 & 1) || (op == SET && place == cell))
                set("compiled.array", "conductance_ns", 1000 + random() % 100000, row * cells + cell);
        for (const Element& each : chip_state) {
            VerilatedVar& var = variable(each.scope, each.name);
            for (size_t word = 0; word < each.words; ++word)
                for (size_t bit = 0; bit < each.width; ++bit) {
                    uint8_t& byte = bytes(var, word)[bit / 8];
                    byte = uint8_t((byte & ~(1u << bit % 8)) | unsigned(random() & 1) << bit % 8);
                }
        }
        set("", "reset_left", 4);
        set("", "rst", 1);
        for (const char* name : {"width", "answering", "conversion_left"}) set("", name, 0);
        for (const char* name : {"loaded", "next", "answered", "classified"}) set("player.host", name, 0);
        top.eval();
    }

    void list(const std::string& scope, const std::string& name, size_t words) {
        VerilatedVar& var = variable(scope, name);
        for (size_t word = 0; word < words; ++word) std::printf("%s%llx", word ? "," : "", (unsigned long long)value(var, word));
    }

    void report(long number) {
        std::printf("%ld %s %llu %d %llu %d %d ", number, top.finished ? "end" : "limit", (unsigned long long)cycle,
                    int(top.refused), (unsigned long long)began, int(value(variable("", "op"))),
                    int(value(variable("", "array_row"))));
        list("player.host", "answers", value(variable("player.host", "answered")));
        std::printf(" ");
        list("player.host", "results", value(variable("player.host", "classified")));
        std::printf(" ");
        list("compiled.array", "conductance_ns", rows() * cells);
        std::printf(" ");
        list("compiled.array", "set_count", rows() * cells);
        std::printf("\n");
        std::fflush(stdout);
    }

    size_t rows() { return value(variable("compiled.array", "rows")); }
};

// One line of the plan: its changes, then on to the end.
void finish(Run& run, long number, std::istringstream& changes, uint64_t limit) {
    std::string scope, name;
    size_t word, bit;
    while (changes >> scope) {
        if (scope == "cut") {
            uint64_t seed;
            changes >> seed;
            std::mt19937_64 random(seed);
            run.report(number);
            run.cut(random);
            run.began = run.cycle = 0;
            while (run.cycle < AFTER_RESET) run.step();
            run.report(number);
        } else {
            changes >> name >> word >> bit;
            bytes(variable(scope, name), word)[bit / 8] ^= uint8_t(1u << bit % 8);
        }
    }
    run.top.eval();
    while (!run.top.finished && run.cycle < limit) run.step();
    run.report(number);
}
}  // namespace

int main(int argc, char** argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Verilated::threadContextp(&context);
    Vcosim top{&context, ""};
    if (argc != 3) return 2;
    const uint64_t limit = std::strtoull(argv[1], nullptr, 10);
    Run run{top, std::strtoull(argv[2], nullptr, 10)};
    std::string line;
    while (std::getline(std::cin, line) && !line.empty()) {  // the chip's state, up to an empty line
        std::istringstream words(line);
        Element each;
        words >> each.scope >> each.name >> each.width >> each.words;
        chip_state.push_back(each);
    }
    while (std::getline(std::cin, line)) {
        std::istringstream words(line);
        long number;
        uint64_t cycle;
        words >> number >> cycle;
        while (run.cycle < cycle && !top.finished) run.step();
        std::fflush(stdout);
        const pid_t child = fork();
        if (child < 0) return 1;
        if (child == 0) {
            finish(run, number, words, limit);
            std::_Exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) {
            std::printf("%ld crash %d\n", number, status);
            std::fflush(stdout);
        }
    }
    std::_Exit(0);
}
