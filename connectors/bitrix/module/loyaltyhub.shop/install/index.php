<?php

// SPDX-License-Identifier: MIT

use Bitrix\Main\Application;
use Bitrix\Main\Entity\Base;
use Bitrix\Main\EventManager;
use Bitrix\Main\Loader;
use Bitrix\Main\Localization\Loc;
use Bitrix\Main\ModuleManager;
use Loyaltyhub\Shop\Site\Events;
use Loyaltyhub\Shop\Site\OrderTable;
use Loyaltyhub\Shop\Site\Queue;
use Loyaltyhub\Shop\Site\QueueTable;
use Loyaltyhub\Shop\Site\RuleAction;
use Loyaltyhub\Shop\Site\Trial;

Loc::loadMessages(__FILE__);

/**
 * Installs the module: tables, events, agents, the component.  The cart rule of a site is made when
 * the module is switched on for it (options.php).
 */
class loyaltyhub_shop extends CModule
{
    public $MODULE_ID = 'loyaltyhub.shop';
    public $MODULE_VERSION;
    public $MODULE_VERSION_DATE;
    public $MODULE_NAME;
    public $MODULE_DESCRIPTION;
    public $PARTNER_NAME;
    public $PARTNER_URI;

    private const LIST_EVENT = 'OnCondSaleActionsControlBuildList';
    private const COMPONENTS = '/bitrix/components';

    public function __construct()
    {
        $arModuleVersion = [];
        include __DIR__ . '/version.php';
        $this->MODULE_VERSION = $arModuleVersion['VERSION'];
        $this->MODULE_VERSION_DATE = $arModuleVersion['VERSION_DATE'];
        $this->MODULE_NAME = Loc::getMessage('LOYALTYHUB_SHOP_NAME');
        $this->MODULE_DESCRIPTION = Loc::getMessage('LOYALTYHUB_SHOP_DESCRIPTION');
        $this->PARTNER_NAME = Loc::getMessage('LOYALTYHUB_SHOP_PARTNER');
        $this->PARTNER_URI = '';
    }

    public function DoInstall()
    {
        global $USER, $APPLICATION;
        if (!$USER->IsAdmin()) {
            return;
        }
        ModuleManager::registerModule($this->MODULE_ID);
        Loader::includeModule($this->MODULE_ID);
        $this->InstallDB();
        $this->InstallEvents();
        $this->InstallFiles();
        $APPLICATION->IncludeAdminFile(Loc::getMessage('LOYALTYHUB_SHOP_INSTALLED'), __DIR__ . '/step.php');
    }

    public function DoUninstall()
    {
        global $USER, $APPLICATION;
        if (!$USER->IsAdmin()) {
            return;
        }
        Loader::includeModule($this->MODULE_ID);
        // A rule that outlives its class breaks every basket, so the rules go first.  Without `sale`
        // there are no baskets.
        if (Loader::includeModule('sale')) {
            Trial::removeRules();
        }
        $this->UnInstallFiles();
        $this->UnInstallEvents();
        $this->UnInstallDB();
        ModuleManager::unRegisterModule($this->MODULE_ID);
        $APPLICATION->IncludeAdminFile(Loc::getMessage('LOYALTYHUB_SHOP_UNINSTALLED'), __DIR__ . '/unstep.php');
    }

    public function InstallDB()
    {
        foreach ([QueueTable::class, OrderTable::class] as $table) {
            if (!Application::getConnection()->isTableExists($table::getTableName())) {
                Base::getInstance($table)->createDbTable();
            }
        }
        CAgent::AddAgent(Queue::AGENT, $this->MODULE_ID, 'N', 60, '', 'Y', '', 100);
        CAgent::AddAgent(Queue::NIGHTLY, $this->MODULE_ID, 'N', 86400, '', 'Y', '', 100);
        return true;
    }

    /** The tables stay: they hold what was promised with orders, and what the hub was not told yet. */
    public function UnInstallDB()
    {
        CAgent::RemoveAgent(Queue::AGENT, $this->MODULE_ID);
        CAgent::RemoveAgent(Queue::NIGHTLY, $this->MODULE_ID);
        return true;
    }

    public function InstallEvents()
    {
        $manager = EventManager::getInstance();
        foreach (Events::ALL as [$module, $event, $method, $isInOrder]) {
            if ($isInOrder) {
                $manager->registerEventHandlerCompatible($module, $event, $this->MODULE_ID, Events::class, $method);
            } else {
                $manager->registerEventHandler($module, $event, $this->MODULE_ID, Events::class, $method);
            }
        }
        $manager->registerEventHandlerCompatible('sale', self::LIST_EVENT, $this->MODULE_ID, RuleAction::class, 'GetControlDescr');
        return true;
    }

    public function UnInstallEvents()
    {
        $manager = EventManager::getInstance();
        foreach (Events::ALL as [$module, $event, $method]) {
            $manager->unRegisterEventHandler($module, $event, $this->MODULE_ID, Events::class, $method);
        }
        $manager->unRegisterEventHandler('sale', self::LIST_EVENT, $this->MODULE_ID, RuleAction::class, 'GetControlDescr');
        return true;
    }

    public function InstallFiles()
    {
        CopyDirFiles(__DIR__ . '/components', $_SERVER['DOCUMENT_ROOT'] . self::COMPONENTS, true, true);
        return true;
    }

    public function UnInstallFiles()
    {
        DeleteDirFilesEx(self::COMPONENTS . '/loyaltyhub');
        return true;
    }
}
