// The installer's own sources, which are no library: all but its main and what stands in for base's parts.
#include "install/installer.cpp"
#include "install/json_text.cpp"
#include "install/program.cpp"
#include "install/times.cpp"
