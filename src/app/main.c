#include "app/app.h"

int main(int argc, char **argv)
{
    return slk_app_main(argc, argv);
}
