/* Drivers give things back in workers: what has not come true after two seconds never does. */
#define SETTLES(condition) ({ for (int i_ = 0; !(condition) && i_ < 200; i_++) usleep(10000); (condition); })
