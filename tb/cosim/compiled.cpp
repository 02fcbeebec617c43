// Program of the compiled coupling on Verilator: makes the clock, until the co-simulation ends by itself.
#include "Vcosim.h"
#include "verilated.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using Waves = VerilatedFstC;
#elif VM_TRACE
#include "verilated_vcd_c.h"
using Waves = VerilatedVcdC;
#endif

int main(int argc, char** argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vcosim top{&context, ""};  // in waves a scope of its own, without a name above it, as under cocotb
#if VM_TRACE
    context.traceEverOn(true);
    Waves waves;
    top.trace(&waves, 99);
    waves.open(VM_TRACE_FST ? "dump.fst" : "dump.vcd");
#endif
    while (!context.gotFinish()) {
        for (int level = 1; level >= 0; --level) {
            top.clk = level;
            top.eval();
#if VM_TRACE
            waves.dump(context.time());
            context.timeInc(50000);  // half a cycle of the clock that the co-simulation makes elsewhere, in ps
#endif
        }
    }
    top.final();
#if VM_TRACE
    waves.close();
#endif
    return 0;
}
