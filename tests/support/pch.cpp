// Exists so that the precompiled header has a unit to be built for; main.cpp defines Catch's main and cannot use it.
