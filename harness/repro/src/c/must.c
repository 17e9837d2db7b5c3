/* A call that fails ends the program: with 1 if the rule says that it succeeds, else with 2. */
#define OR_END(code, call) ({ long answer_ = (long)(call); if (answer_ == -1) err(code, "%s", #call); answer_; })
#define MUST(call) OR_END(2, call)
#define KEPT(call) OR_END(1, call)
