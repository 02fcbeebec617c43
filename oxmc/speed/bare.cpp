// Bench without Python or VPI: clocks the chip with the compiled array and host, in the folder of a run that the
// co-simulation has loaded, and hands over the draws that it kept (argv[1]). Prints clock cycles and seconds.
#include <chrono>
#include <cstdio>
#include <fstream>

#include "Vcosim.h"
#include "Vcosim___024root.h"

int main(int argc, char** argv) {
    if (argc != 2) return std::fprintf(stderr, "usage: %s DRAWS\n", argv[0]), 2;
    std::ifstream kept(argv[1], std::ios::binary);
    VerilatedContext context;
    Vcosim top{&context};
    auto& draws = top.rootp->cosim__DOT__draws;
    bool request = false;
    const auto start = std::chrono::steady_clock::now();
    while (!top.finished && !top.refused) {
        top.clk = 1;
        top.eval();
        top.clk = 0;
        top.eval();
        if (request != bool(top.request)) {
            request = top.request;
            if (!kept.read(reinterpret_cast<char*>(draws.data()), sizeof(draws)))
                return std::fprintf(stderr, "the draws of row %d were not kept\n", int(top.request_row)), 1;
        }
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (top.refused) return std::fprintf(stderr, "pulse refused in row %d\n", int(top.row)), 1;
    std::printf("%llu %.6f\n", static_cast<unsigned long long>(top.cycle), seconds.count());
    top.final();
    return 0;
}
